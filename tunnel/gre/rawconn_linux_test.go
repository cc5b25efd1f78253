package gre

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// Raw sockets hear everything sent to their address, so each process tests on loopback addresses of
// its own.
var loop1, loop2, loop3 = loopback(1), loopback(2), loopback(3)

func loopback(host byte) netip.Addr {
	pid := os.Getpid()
	return netip.AddrFrom4([4]byte{127, byte(pid >> 8), byte(pid), host})
}

func listen(t testing.TB, local netip.Addr, opts Options) Conn {
	t.Helper()
	c, err := Listen(local, opts)
	if errors.Is(err, os.ErrPermission) {
		t.Skipf("raw sockets need CAP_NET_RAW: %v", err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func dataPacket(to netip.Addr, seq uint32, payload string) Packet {
	h := Header{CallID: 7, PayloadLen: uint16(len(payload)), HasSeq: true, Seq: seq}
	return Packet{Addr: to, Data: append(h.AppendTo(nil), payload...)}
}

func buffers(n int) []Packet {
	pkts := make([]Packet, n)
	for i := range pkts {
		pkts[i].Buf = make([]byte, 2048)
	}
	return pkts
}

// readSeqs reads until n packets have come and returns their sequence numbers and sources.
func readSeqs(t *testing.T, c Conn, n int) (seqs []uint32, from []netip.Addr) {
	t.Helper()
	pkts := buffers(8)
	for len(seqs) < n {
		got, err := c.ReadBatch(pkts)
		require.NoError(t, err)
		for _, p := range pkts[:got] {
			h, _, err := Parse(p.Data)
			require.NoError(t, err)
			seqs = append(seqs, h.Seq)
			from = append(from, p.Addr)
		}
	}
	return seqs, from
}

func TestRawSocketCarriesBatches(t *testing.T) {
	a, b := listen(t, loop1, Options{}), listen(t, loop2, Options{})
	var out []Packet
	const count = 300 // more than one system call takes
	for i := range uint32(count) {
		out = append(out, dataPacket(loop2, i, "payload"))
	}
	n, err := a.WriteBatch(out)
	require.NoError(t, err)
	require.Equal(t, count, n)
	seqs, from := readSeqs(t, b, count)
	for i := range uint32(count) {
		require.Equal(t, i, seqs[i])
		require.Equal(t, loop1, from[i])
	}
	size := uint64(count * len(out[0].Data))
	assert.EqualValues(t, count, a.Stats().Sent)
	assert.Equal(t, size, a.Stats().SentBytes)
	assert.EqualValues(t, count, b.Stats().Received)
	assert.Equal(t, size, b.Stats().ReceivedBytes, "the IP header is not counted")
	assert.Equal(t, loop1, a.LocalAddr())
}

func TestRawSocketSkipsWhatIsNotPPTP(t *testing.T) {
	a, b := listen(t, loop1, Options{}), listen(t, loop2, Options{})
	plain := Packet{Addr: loop2, Data: []byte{0, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8}} // GRE version 0
	_, err := a.WriteBatch([]Packet{plain, dataPacket(loop2, 1, "x"), plain, dataPacket(loop2, 2, "y")})
	require.NoError(t, err)
	seqs, _ := readSeqs(t, b, 2)
	assert.Equal(t, []uint32{1, 2}, seqs)
	assert.EqualValues(t, 2, b.Stats().Received)
}

func TestRawSocketHearsOnlyItsPeer(t *testing.T) {
	a, c := listen(t, loop1, Options{}), listen(t, loop3, Options{})
	b := listen(t, loop2, Options{Peer: loop3})
	_, err := a.WriteBatch([]Packet{dataPacket(loop2, 666, "forged")})
	require.NoError(t, err)
	_, err = c.WriteBatch([]Packet{dataPacket(loop2, 1, "true")})
	require.NoError(t, err)
	seqs, from := readSeqs(t, b, 1)
	assert.Equal(t, []uint32{1}, seqs)
	assert.Equal(t, []netip.Addr{loop3}, from)
}

func TestWriteBatchGoesOnAfterWhatTheSystemRefuses(t *testing.T) {
	a, b := listen(t, loop1, Options{}), listen(t, loop2, Options{})
	long := Packet{Addr: loop2, Data: make([]byte, 65530)}
	n, err := a.WriteBatch([]Packet{
		dataPacket(loop2, 1, "x"),
		long,
		{Addr: netip.MustParseAddr("2001:db8::1"), Data: []byte("not IPv4")},
		dataPacket(loop2, 2, "x"),
		{Addr: loop2}, // nothing to send
		dataPacket(loop2, 4, "x"),
	})
	require.NoError(t, err)
	assert.Equal(t, 3, n)
	seqs, _ := readSeqs(t, b, 3)
	assert.Equal(t, []uint32{1, 2, 4}, seqs)
	s := a.Stats()
	assert.EqualValues(t, 1, s.TooBig)
	assert.EqualValues(t, 2, s.BadAddress)
	assert.EqualValues(t, 3, s.SendErrors())
}

func TestSendErrorsAreCountedByKind(t *testing.T) {
	var c counters
	for _, e := range []syscall.Errno{unix.ENOBUFS, unix.EMSGSIZE, unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EPERM, unix.EIO} {
		c.sendError(e)
	}
	assert.Equal(t, Stats{NoBuffers: 1, TooBig: 1, Refused: 1, Unreachable: 2, Forbidden: 1, OtherErrors: 1}, c.snapshot())
}

// ownNetwork moves the test to a network namespace of its own whose loopback has the given MTU.
func ownNetwork(t *testing.T, mtu int) {
	t.Helper()
	labtest.Enter(t)
	require.NoError(t, labtest.Change("lo", func(lo netlink.Link) error { return netlink.LinkSetMTU(lo, mtu) }))
}

func TestLongPacketsAreFragmented(t *testing.T) {
	ownNetwork(t, 1500)
	a, b := listen(t, loop1, Options{}), listen(t, loop2, Options{})
	payload := strings.Repeat("p", 1600)
	n, err := a.WriteBatch([]Packet{dataPacket(loop2, 2, payload)})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	pkts := buffers(1)
	_, err = b.ReadBatch(pkts)
	require.NoError(t, err)
	h, got, err := Parse(pkts[0].Data)
	require.NoError(t, err)
	assert.EqualValues(t, 2, h.Seq)
	assert.Equal(t, payload, string(got), "put together again before it gets here")
}

func TestNoRouteIsCountedAndTheRestGoesOn(t *testing.T) {
	ownNetwork(t, 1500)
	a, b := listen(t, loop1, Options{}), listen(t, loop2, Options{})
	nowhere := netip.MustParseAddr("192.0.2.1")
	n, err := a.WriteBatch([]Packet{dataPacket(nowhere, 1, "x"), dataPacket(loop2, 2, "x"), dataPacket(nowhere, 3, "x"), dataPacket(loop2, 4, "x")})
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	assert.EqualValues(t, 2, a.Stats().Unreachable)
	seqs, _ := readSeqs(t, b, 2)
	assert.Equal(t, []uint32{2, 4}, seqs)
}

func TestPacketLongerThanItsBufferIsCounted(t *testing.T) {
	a, b := listen(t, loop1, Options{}), listen(t, loop2, Options{})
	_, err := a.WriteBatch([]Packet{dataPacket(loop2, 1, strings.Repeat("x", 500)), dataPacket(loop2, 2, "x")})
	require.NoError(t, err)
	pkts := []Packet{{Buf: make([]byte, 100)}, {Buf: make([]byte, 100)}}
	n, err := b.ReadBatch(pkts)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	h, _, err := Parse(pkts[0].Data)
	require.NoError(t, err)
	assert.EqualValues(t, 2, h.Seq)
	assert.EqualValues(t, 1, b.Stats().Truncated)
	assert.NotSame(t, &pkts[0].Buf[0], &pkts[1].Buf[0], "both buffers are still there")
}

func TestReceiveOverflowIsCounted(t *testing.T) {
	a, b := listen(t, loop1, Options{}), listen(t, loop2, Options{RecvBuffer: 4096})
	var out []Packet
	for i := range uint32(200) {
		out = append(out, dataPacket(loop2, i, strings.Repeat("x", 1000)))
	}
	_, err := a.WriteBatch(out)
	require.NoError(t, err)
	lost := b.Stats().Overflowed
	assert.NotZero(t, lost)
	require.NoError(t, b.Close())
	assert.Equal(t, lost, b.Stats().Overflowed, "known after Close too")
}

func TestCloseEndsABlockedRead(t *testing.T) {
	c := listen(t, loop1, Options{Peer: loop3})
	done := make(chan error)
	go func() {
		_, err := c.ReadBatch(buffers(1))
		done <- err
	}()
	require.NoError(t, c.Close())
	assert.Equal(t, net.ErrClosed, <-done)
	_, err := c.WriteBatch([]Packet{dataPacket(loop3, 1, "x")})
	assert.Equal(t, net.ErrClosed, err)
	_, err = c.ReadBatch(buffers(1))
	assert.Equal(t, net.ErrClosed, err)
	assert.NoError(t, c.Close(), "twice is harmless")
}

func TestEmptyBatches(t *testing.T) {
	c := listen(t, loop1, Options{})
	n, err := c.ReadBatch(nil)
	assert.NoError(t, err)
	assert.Zero(t, n)
	n, err = c.WriteBatch(nil)
	assert.NoError(t, err)
	assert.Zero(t, n)
	_, err = c.ReadBatch([]Packet{{}})
	assert.Equal(t, errNoBuffer, err)
}

func TestWritersSideBySide(t *testing.T) {
	a, b := listen(t, loop1, Options{}), listen(t, loop2, Options{})
	const writers, each = 4, 50
	for range writers {
		go func() {
			for i := range uint32(each) {
				_, _ = a.WriteBatch([]Packet{dataPacket(loop2, i, "x")})
			}
		}()
	}
	readSeqs(t, b, writers*each)
	assert.EqualValues(t, writers*each, b.Stats().Received)
}

func TestRawSocketDoesNotAllocate(t *testing.T) {
	a, b := listen(t, loop1, Options{}), listen(t, loop2, Options{})
	var out []Packet
	for i := range uint32(32) {
		out = append(out, dataPacket(loop2, i, "payload"))
	}
	out[5].Data = make([]byte, 65536) // an error on the way allocates nothing either
	in := buffers(32)
	assert.Zero(t, testing.AllocsPerRun(50, func() {
		sent, _ := a.WriteBatch(out)
		for got := 0; got < sent; {
			n, err := b.ReadBatch(in)
			if err != nil {
				t.Fatal(err)
			}
			got += n
		}
	}))
}

func TestNoPermissionNamesTheCapability(t *testing.T) {
	done := make(chan error)
	go func() {
		// The thread gives up its capability for good, and ends with the goroutine because it stays
		// locked.
		runtime.LockOSThread()
		hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		if err := unix.Capget(&hdr, &data[0]); err != nil {
			done <- err
			return
		}
		data[0].Effective &^= 1 << unix.CAP_NET_RAW
		if err := unix.Capset(&hdr, &data[0]); err != nil {
			done <- err
			return
		}
		c, err := Listen(loop1, Options{})
		if err == nil {
			_ = c.Close()
		}
		done <- err
	}()
	err := <-done
	require.EqualError(t, err, "gre: raw socket on "+loop1.String()+": operation not permitted: needs CAP_NET_RAW (run as root, or setcap cap_net_raw,cap_net_admin+ep arc4)")
	assert.ErrorIs(t, err, os.ErrPermission)
}

func TestListenRefuses(t *testing.T) {
	listen(t, loop1, Options{}) // skips where nothing can be opened at all
	for _, tc := range []struct {
		name  string
		local netip.Addr
		opts  Options
		want  string
	}{
		{"an address of nobody here", netip.MustParseAddr("192.0.2.1"), Options{}, "gre: raw socket on 192.0.2.1: cannot assign requested address: no interface of this machine has that address"},
		{"IPv6", netip.MustParseAddr("::1"), Options{}, "gre: local address ::1 is not IPv4: PPTP runs over IPv4 only"},
		{"no address", netip.Addr{}, Options{}, "gre: local address invalid IP is not IPv4: PPTP runs over IPv4 only"},
		{"an IPv6 peer", loop1, Options{Peer: netip.MustParseAddr("::1")}, "gre: peer address ::1 is not IPv4: PPTP runs over IPv4 only"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Listen(tc.local, tc.opts)
			assert.EqualError(t, err, tc.want)
		})
	}
}

func TestPortableConn(t *testing.T) {
	listen(t, loop1, Options{})
	a, err := listenPortable(loop1, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	b, err := listenPortable(loop2, Options{Peer: loop1})
	require.NoError(t, err)
	_, err = a.WriteBatch([]Packet{dataPacket(loop2, 1, "x"), {Addr: loop2, Data: make([]byte, 65536)}, dataPacket(loop2, 2, "y"), {Data: []byte("nowhere")}})
	require.NoError(t, err)
	seqs, from := readSeqs(t, b, 2)
	assert.Equal(t, []uint32{1, 2}, seqs)
	assert.Equal(t, loop1, from[0])
	assert.EqualValues(t, 1, a.Stats().TooBig)
	assert.EqualValues(t, 1, a.Stats().BadAddress)
	require.NoError(t, b.Close())
	_, err = b.ReadBatch(buffers(1))
	assert.Equal(t, net.ErrClosed, err)
	_, err = b.WriteBatch([]Packet{dataPacket(loop1, 1, "x")})
	assert.Equal(t, net.ErrClosed, err)
}

// ipv4Packet puts an IPv4 header with the given number of option bytes before data.
func ipv4Packet(src netip.Addr, options int, data []byte) []byte {
	b := make([]byte, 20+options, 20+options+len(data))
	b[0] = 0x40 | byte(len(b)/4)
	total := len(b) + len(data)
	b[2], b[3] = byte(total>>8), byte(total)
	b[9] = 47
	addr := src.As4()
	copy(b[12:], addr[:])
	return append(b, data...)
}

func TestFilter(t *testing.T) {
	good := dataPacket(loop2, 1, "x").Data
	ack := AckOnly(1, 2).AppendTo(nil)
	version0 := append([]byte{0x30, 0x00}, good[2:]...)
	for _, tc := range []struct {
		name   string
		peer   netip.Addr
		calls  []uint16
		packet []byte
		want   bool
	}{
		{"data from anyone", netip.Addr{}, nil, ipv4Packet(loop1, 0, good), true},
		{"ack from anyone", netip.Addr{}, nil, ipv4Packet(loop1, 0, ack), true},
		{"data after IP options", netip.Addr{}, nil, ipv4Packet(loop1, 40, good), true},
		{"other GRE", netip.Addr{}, nil, ipv4Packet(loop1, 0, version0), false},
		{"other GRE after IP options", netip.Addr{}, nil, ipv4Packet(loop1, 8, version0), false},
		{"too short", netip.Addr{}, nil, ipv4Packet(loop1, 0, good[:3]), false},
		{"the peer", loop1, nil, ipv4Packet(loop1, 0, good), true},
		{"not the peer", loop1, nil, ipv4Packet(loop3, 0, good), false},
		{"the peer, other GRE", loop1, nil, ipv4Packet(loop1, 0, version0), false},
		{"the call", loop1, []uint16{7}, ipv4Packet(loop1, 0, good), true},
		{"the call after IP options", loop1, []uint16{7}, ipv4Packet(loop1, 40, good), true},
		{"the call's acknowledgment", loop1, []uint16{9, 1}, ipv4Packet(loop1, 0, ack), true},
		{"another call", loop1, []uint16{8}, ipv4Packet(loop1, 0, good), false},
		{"the first of several calls", loop1, []uint16{7, 8, 9}, ipv4Packet(loop1, 0, good), true},
		{"the last of several calls", loop1, []uint16{8, 9, 7}, ipv4Packet(loop1, 0, good), true},
		{"none of several calls", loop1, []uint16{8, 9, 10}, ipv4Packet(loop1, 0, good), false},
		{"the call, not the peer", loop1, []uint16{7}, ipv4Packet(loop3, 0, good), false},
		{"the call, other GRE", loop1, []uint16{7}, ipv4Packet(loop1, 0, version0), false},
		{"cut before the call ID", loop1, []uint16{7}, ipv4Packet(loop1, 0, good[:7]), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			vm, err := bpf.NewVM(disassembled(t, filter(tc.peer, share{}, tc.calls...)))
			require.NoError(t, err)
			n, err := vm.Run(tc.packet)
			require.NoError(t, err)
			assert.Equal(t, tc.want, n > 0)
			if tc.want {
				assert.GreaterOrEqual(t, n, len(tc.packet), "nothing is cut")
			}
		})
	}
}

func TestSocketHearsOnlyItsCalls(t *testing.T) {
	a, b := listen(t, loop1, Options{}), listen(t, loop2, Options{Peer: loop1})
	other := dataPacket(loop2, 666, "of another call")
	other.Data[callIDAt+1]++
	require.NoError(t, AcceptCalls(b, 7))
	_, err := a.WriteBatch([]Packet{other, dataPacket(loop2, 1, "x")})
	require.NoError(t, err)
	seqs, _ := readSeqs(t, b, 1)
	assert.Equal(t, []uint32{1}, seqs)
	for name, ids := range map[string][]uint16{"none": nil, "too many to compare": make([]uint16, maxFilterCalls+1)} {
		require.NoError(t, AcceptCalls(b, ids...), name)
		_, err = a.WriteBatch([]Packet{other})
		require.NoError(t, err)
		seqs, _ = readSeqs(t, b, 1)
		assert.Equal(t, []uint32{666}, seqs, name)
	}
	p, _ := Pipe(PipeOptions{})
	require.NoError(t, AcceptCalls(p, 7), "there is no filter to set")
	require.NoError(t, b.Close())
	assert.Equal(t, net.ErrClosed, AcceptCalls(b, 7))
}
