package memnet

import (
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/arc4tun/arc4tun/tunnel/gre"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	one   = netip.MustParseAddr("192.0.2.1")
	two   = netip.MustParseAddr("192.0.2.2")
	three = netip.MustParseAddr("192.0.2.3")
)

func listen(t testing.TB, n *Network, a netip.Addr) gre.Conn {
	t.Helper()
	c, err := n.Listen(a)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	return c
}

func packets(to netip.Addr, data ...string) (pkts []gre.Packet) {
	for _, d := range data {
		pkts = append(pkts, gre.Packet{Addr: to, Data: []byte(d)})
	}
	return pkts
}

func write(t testing.TB, c gre.Conn, pkts []gre.Packet) {
	t.Helper()
	n, err := c.WriteBatch(pkts)
	require.NoError(t, err)
	require.Equal(t, len(pkts), n)
}

// read takes n packets, as "address data".
func read(t testing.TB, c gre.Conn, n int) (got []string) {
	t.Helper()
	pkts := make([]gre.Packet, n)
	for i := range pkts {
		pkts[i].Buf = make([]byte, 16)
	}
	for len(got) < n {
		k, err := c.ReadBatch(pkts[:n-len(got)])
		require.NoError(t, err)
		for _, p := range pkts[:k] {
			got = append(got, fmt.Sprint(p.Addr, " ", string(p.Data)))
		}
	}
	return got
}

func TestPacketsFindTheirSockets(t *testing.T) {
	n := New(Options{})
	a, b, c := listen(t, n, one), listen(t, n, two), listen(t, n, three)
	write(t, a, append(packets(two, "1", "2"), packets(three, "3")...))
	write(t, b, packets(three, "4"))
	assert.Equal(t, []string{"192.0.2.1 1", "192.0.2.1 2"}, read(t, b, 2))
	assert.Equal(t, []string{"192.0.2.1 3", "192.0.2.2 4"}, read(t, c, 2))
	assert.Equal(t, one, a.LocalAddr())
	assert.Equal(t, gre.Stats{Sent: 3, SentBytes: 3}, a.Stats())
	assert.Equal(t, gre.Stats{Received: 2, ReceivedBytes: 2}, c.Stats())
	assert.Zero(t, n.Stats(three))
}

func TestNobodyAndUnread(t *testing.T) {
	n := New(Options{})
	a, b := listen(t, n, one), listen(t, n, two)
	write(t, a, packets(three, "to nobody"))
	write(t, a, packets(two, "1", "2"))
	require.NoError(t, b.Close())
	write(t, a, packets(two, "too late"))
	assert.Equal(t, Stats{Nobody: 1, Unread: 2}, n.Stats(two))
	assert.Equal(t, Stats{Nobody: 1}, n.Stats(three))
	assert.Equal(t, uint64(4), a.Stats().Sent, "as on a network: nobody tells the sender")

	again := listen(t, n, two)
	write(t, a, packets(two, "3"))
	assert.Equal(t, []string{"192.0.2.1 3"}, read(t, again, 1))
}

func TestListenRefuses(t *testing.T) {
	n := New(Options{})
	listen(t, n, one)
	_, err := n.Listen(one)
	require.ErrorContains(t, err, "192.0.2.1 is open already")
	_, err = n.Listen(netip.MustParseAddr("::1"))
	require.ErrorContains(t, err, "::1 is not IPv4")
}

func TestQueue(t *testing.T) {
	n := New(Options{Queue: 5})
	a, b := listen(t, n, one), listen(t, n, two)
	write(t, a, packets(two, "1", "2"))
	assert.Equal(t, []string{"192.0.2.1 1"}, read(t, b, 1))
	write(t, a, packets(two, "3", "4", "5", "6", "7", "8", "9"))
	assert.Equal(t, uint64(3), b.Stats().Overflowed)
	assert.Len(t, read(t, b, 5), 5)
}

func TestTooLongForItsBuffer(t *testing.T) {
	n := New(Options{})
	a, b := listen(t, n, one), listen(t, n, two)
	write(t, a, packets(two, "longer than sixteen bytes", "short"))
	assert.Equal(t, []string{"192.0.2.1 short"}, read(t, b, 1))
	assert.Equal(t, uint64(1), b.Stats().Truncated)
}

func TestBadAddress(t *testing.T) {
	a := listen(t, New(Options{}), one)
	n, err := a.WriteBatch(packets(netip.MustParseAddr("2001:db8::1"), "1"))
	require.NoError(t, err)
	assert.Zero(t, n)
	assert.Equal(t, gre.Stats{BadAddress: 1}, a.Stats())
}

func TestCarry(t *testing.T) {
	var n *Network
	n = New(Options{Carry: func(from, to netip.Addr, packets [][]byte) {
		for _, p := range packets {
			n.Arrive(from, to, p, p)
		}
	}})
	a, b := listen(t, n, one), listen(t, n, two)
	write(t, a, packets(two, "1", "2"))
	assert.Equal(t, []string{"192.0.2.1 1", "192.0.2.1 1", "192.0.2.1 2", "192.0.2.1 2"}, read(t, b, 4))
}

func TestCloseEndsReading(t *testing.T) {
	n := New(Options{})
	a := listen(t, n, one)
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			_, err := a.ReadBatch(make([]gre.Packet, 1))
			assert.ErrorIs(t, err, net.ErrClosed)
		})
	}
	require.NoError(t, a.Close())
	require.NoError(t, a.Close(), "twice is harmless")
	readers.Wait()
	_, err := a.WriteBatch(packets(two, "1"))
	require.ErrorIs(t, err, net.ErrClosed)
}

// Senders, readers and sockets that come and go, all at once; the account is exact.
func TestAccount(t *testing.T) {
	const senders, runs, each = 4, 200, 3
	n := New(Options{Queue: 64})
	var work sync.WaitGroup
	sent := make([]gre.Conn, senders)
	for i := range sent {
		sent[i] = listen(t, n, netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + i)}))
		work.Go(func() {
			for range runs {
				_, err := sent[i].WriteBatch(packets(one, "a", "b", "c"))
				assert.NoError(t, err)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		work.Wait()
		close(done)
	}()
	received := uint64(0)
	for open := true; open; {
		c, err := n.Listen(one)
		require.NoError(t, err)
		var reader sync.WaitGroup
		reader.Go(func() {
			pkts := []gre.Packet{{Buf: make([]byte, 16)}, {Buf: make([]byte, 16)}}
			for err := error(nil); err == nil; {
				_, err = c.ReadBatch(pkts)
			}
		})
		select {
		case <-done:
			open = false
		default:
			runtime.Gosched()
		}
		require.NoError(t, c.Close())
		reader.Wait()
		received += c.Stats().Received + c.Stats().Overflowed
	}
	total := uint64(0)
	for _, c := range sent {
		total += c.Stats().Sent
	}
	s := n.Stats(one)
	assert.Equal(t, uint64(senders*runs*each), total)
	assert.Equal(t, total, received+s.Nobody+s.Unread)
}

func TestNoAllocation(t *testing.T) {
	n := New(Options{})
	a, b := listen(t, n, one), listen(t, n, two)
	out := packets(two, "1", "2", "3")
	in := []gre.Packet{{Buf: make([]byte, 16)}, {Buf: make([]byte, 16)}, {Buf: make([]byte, 16)}}
	step := func() {
		write(t, a, out)
		_, err := b.ReadBatch(in)
		require.NoError(t, err)
	}
	for range 10 {
		step()
	}
	assert.Zero(t, testing.AllocsPerRun(100, step))
}

// TestSharedSocket: a packet goes to the reader of its call ID, in the order of its call, and is
// counted once.
func TestSharedSocket(t *testing.T) {
	const readers, calls, each = 3, 7, 10
	n := New(Options{})
	a := listen(t, n, one)
	b, err := n.ListenShared(two, readers)
	require.NoError(t, err)
	require.Len(t, gre.Readers(b), readers)
	out := []gre.Packet{{Addr: two, Data: []byte("short")}}
	want := make([]int, readers)
	want[0]++
	for i := range each {
		for id := range uint16(calls) {
			out = append(out, gre.Packet{Addr: two, Data: gre.AckOnly(id, uint32(i)).AppendTo(nil)})
			want[gre.ReaderOf(id, readers)]++
		}
	}
	write(t, a, out)
	next := make([]uint32, calls)
	for i, r := range gre.Readers(b) {
		pkts := make([]gre.Packet, 100)
		for k := range pkts {
			pkts[k].Buf = make([]byte, 16)
		}
		count, err := r.ReadBatch(pkts)
		require.NoError(t, err)
		require.Equal(t, want[i], count, "reader %d", i)
		for _, p := range pkts[:count] {
			if h, _, err := gre.Parse(p.Data); len(p.Data) >= gre.MinHeader {
				require.NoError(t, err)
				require.Equal(t, next[h.CallID], h.Ack)
				next[h.CallID]++
			}
		}
	}
	require.EqualValues(t, len(out), b.Stats().Received)
	write(t, a, out)
	require.NoError(t, b.Close())
	require.EqualValues(t, len(out), n.Stats(two).Unread)
	for _, r := range gre.Readers(b) {
		_, err := r.ReadBatch(make([]gre.Packet, 1))
		require.Equal(t, net.ErrClosed, err)
	}
	write(t, a, out)
	require.EqualValues(t, len(out), n.Stats(two).Nobody)
	for _, r := range []int{0, gre.MaxReaders + 1} {
		_, err = n.ListenShared(two, r)
		require.ErrorContains(t, err, "readers: must be 1 to 16")
	}
}
