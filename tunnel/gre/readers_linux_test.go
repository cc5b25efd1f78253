package gre

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/bpf"
)

// TestFilterOfAShare: whatever comes is heard by exactly one of the sockets that share an address,
// the one that ReaderOf names, or by none if nobody is to hear it.
func TestFilterOfAShare(t *testing.T) {
	withID := func(p Packet, id uint16) []byte {
		p.Data[callIDAt], p.Data[callIDAt+1] = byte(id>>8), byte(id)
		return p.Data
	}
	data := func(id uint16) []byte { return withID(dataPacket(loop2, 1, "x"), id) }
	ack := func(id uint16) []byte { return AckOnly(id, 2).AppendTo(nil) }
	for _, tc := range []struct {
		name   string
		peer   netip.Addr
		calls  []uint16
		packet []byte
		id     int // none: -1
	}{
		{"the lowest call ID", netip.Addr{}, nil, ipv4Packet(loop1, 0, data(0)), 0},
		{"the next one", netip.Addr{}, nil, ipv4Packet(loop1, 0, data(1)), 1},
		{"both bytes count", netip.Addr{}, nil, ipv4Packet(loop1, 0, data(0x0100)), 0x0100},
		{"the highest call ID", netip.Addr{}, nil, ipv4Packet(loop1, 0, data(0xFFFF)), 0xFFFF},
		{"an acknowledgment", netip.Addr{}, nil, ipv4Packet(loop1, 0, ack(0xABCD)), 0xABCD},
		{"after IP options", netip.Addr{}, nil, ipv4Packet(loop1, 40, data(0xABCE)), 0xABCE},
		{"cut before the call ID ends", netip.Addr{}, nil, ipv4Packet(loop1, 0, data(0xFF)[:7]), 0},
		{"cut there after IP options", netip.Addr{}, nil, ipv4Packet(loop1, 40, data(0xFF)[:7]), 0},
		{"nothing after the call ID", netip.Addr{}, nil, ipv4Packet(loop1, 0, data(0xFF)[:8]), 0xFF},
		{"too short for GRE", netip.Addr{}, nil, ipv4Packet(loop1, 0, data(7)[:3]), -1},
		{"other GRE", netip.Addr{}, nil, ipv4Packet(loop1, 0, append([]byte{0x30, 0x00}, data(7)[2:]...)), -1},
		{"the peer", loop1, nil, ipv4Packet(loop1, 0, data(7)), 7},
		{"not the peer", loop1, nil, ipv4Packet(loop3, 0, data(7)), -1},
		{"the peer's call", loop1, []uint16{7}, ipv4Packet(loop1, 0, data(7)), 7},
		{"another call", loop1, []uint16{8}, ipv4Packet(loop1, 0, data(7)), -1},
	} {
		for _, of := range []int{1, 2, 3, 4, MaxReaders} {
			t.Run(fmt.Sprintf("%s, %d sockets", tc.name, of), func(t *testing.T) {
				for i := range of {
					vm, err := bpf.NewVM(disassembled(t, filter(tc.peer, share{i, of}, tc.calls...)))
					require.NoError(t, err)
					n, err := vm.Run(tc.packet)
					require.NoError(t, err)
					want := tc.id >= 0 && i == ReaderOf(uint16(tc.id), of)
					require.Equal(t, want, n > 0, "socket %d", i)
					if want {
						require.GreaterOrEqual(t, n, len(tc.packet), "nothing is cut")
					}
				}
			})
		}
	}
}

// TestReadersShareWhatComes: on real sockets too, packets of many calls come out of one reader
// each, in their order.
func TestReadersShareWhatComes(t *testing.T) {
	const readers, calls, each = 3, 50, 20
	a, b := listen(t, loop1, Options{}), listen(t, loop2, Options{Readers: readers})
	require.Len(t, Readers(b), readers)
	require.Equal(t, []Reader{a}, Readers(a))
	out := []Packet{{Addr: loop2, Data: dataPacket(loop2, 0, "").Data[:7]}} // too short for a call ID
	total := map[int]int{0: 1}
	for i := range uint32(each) {
		for id := range uint16(calls) {
			p := dataPacket(loop2, i, "x")
			p.Data[callIDAt+1] = byte(id)
			out = append(out, p)
			total[ReaderOf(id, readers)]++
		}
	}
	n, err := a.WriteBatch(out)
	require.NoError(t, err)
	require.Equal(t, len(out), n)
	next := make([]uint32, calls)
	for i, r := range Readers(b) {
		pkts := buffers(64)
		for got := 0; got < total[i]; {
			n, err := r.ReadBatch(pkts)
			require.NoError(t, err)
			got += n
			for _, p := range pkts[:n] {
				if len(p.Data) < MinHeader {
					require.Zero(t, i, "the first reader has what is too short")
					continue
				}
				h, _, err := Parse(p.Data)
				require.NoError(t, err)
				require.Equal(t, i, ReaderOf(h.CallID, readers))
				require.Equal(t, next[h.CallID], h.Seq, "call %d", h.CallID)
				next[h.CallID]++
			}
		}
	}
	for id, n := range next {
		assert.EqualValues(t, each, n, "call %d", id)
	}
	assert.EqualValues(t, len(out), b.Stats().Received, "every packet once")
}

// TestCallsOfAShare: a socket that hears a share hears of chosen calls only those in it, whichever
// of the readers is asked.
func TestCallsOfAShare(t *testing.T) {
	a, b := listen(t, loop1, Options{}), listen(t, loop2, Options{Readers: 2})
	require.NoError(t, AcceptCalls(b, 7))
	other := dataPacket(loop2, 666, "of another call")
	other.Data[callIDAt+1] += 2
	_, err := a.WriteBatch([]Packet{other, dataPacket(loop2, 1, "x")})
	require.NoError(t, err)
	pkts := buffers(8)
	n, err := Readers(b)[ReaderOf(7, 2)].ReadBatch(pkts)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	h, _, err := Parse(pkts[0].Data)
	require.NoError(t, err)
	assert.EqualValues(t, 1, h.Seq)
}

func TestCloseEndsEveryReader(t *testing.T) {
	c := listen(t, loop1, Options{Readers: 4})
	done := make(chan error)
	for _, r := range Readers(c) {
		go func() {
			_, err := r.ReadBatch(buffers(1))
			done <- err
		}()
	}
	require.NoError(t, c.Close())
	for range 4 {
		assert.Equal(t, net.ErrClosed, <-done)
	}
	assert.NoError(t, c.Close(), "twice is harmless")
}

func TestOverflowOfEveryReaderIsCounted(t *testing.T) {
	a, b := listen(t, loop1, Options{}), listen(t, loop2, Options{RecvBuffer: 4096, Readers: 2})
	var out []Packet
	for i := range uint32(400) {
		p := dataPacket(loop2, i, strings.Repeat("x", 1000))
		p.Data[callIDAt+1] = byte(i)
		out = append(out, p)
	}
	_, err := a.WriteBatch(out)
	require.NoError(t, err)
	both := b.Stats().Overflowed
	for _, r := range Readers(b)[1:] {
		one := r.(Conn).Stats().Overflowed
		assert.NotZero(t, one)
		assert.Greater(t, both, one)
	}
}

func TestListenRefusesReaders(t *testing.T) {
	listen(t, loop1, Options{})
	for n, want := range map[int]string{
		-1:             "gre: -1 readers: must be 1 to 16, or 0 for one",
		MaxReaders + 1: "gre: 17 readers: must be 1 to 16, or 0 for one",
	} {
		_, err := Listen(loop1, Options{Readers: n})
		assert.EqualError(t, err, want)
	}
}

// BenchmarkUnheard is what a socket on the address costs the sender of a packet that it does not
// hear: on loopback the sender does the receiver's work too. Nobody hears these, so that no queue
// fills.
func BenchmarkUnheard(b *testing.B) {
	for _, readers := range []int{1, 2, 4, MaxReaders} {
		b.Run(fmt.Sprintf("sockets=%d", readers), func(b *testing.B) {
			a, c := listen(b, loop1, Options{}), listen(b, loop2, Options{Readers: readers})
			require.NoError(b, AcceptCalls(c, 8))
			out := make([]Packet, maxBatch)
			for i := range out {
				out[i] = dataPacket(loop2, 1, strings.Repeat("x", 1400))
			}
			for b.Loop() {
				if _, err := a.WriteBatch(out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*maxBatch), "ns/packet")
		})
	}
}
