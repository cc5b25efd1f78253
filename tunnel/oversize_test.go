package tunnel

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// withFlags sets an IPv4 packet's flags and fragment offset, and its checksum.
func withFlags(p []byte, flags uint16) []byte {
	binary.BigEndian.PutUint16(p[6:], flags)
	binary.BigEndian.PutUint16(p[10:], 0)
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	sum = sum&0xFFFF + sum>>16
	binary.BigEndian.PutUint16(p[10:], ^uint16(sum+sum>>16))
	return p
}

const dontFragment, moreFragments = 0x4000, 0x2000

// TestOverTheMTU is what a client with a small MRU makes of a server whose device has a larger MTU,
// and the other way round: what may be fragmented arrives in fragments, the sender of all else is
// told what fits.
func TestOverTheMTU(t *testing.T) {
	w := newWorld(t, func(c *ClientConfig, _ *ServerConfig, _ *gre.PipeOptions) { c.MTU = 996 })
	n := w.waitUp()
	require.Equal(t, 996, n.MTU)
	lan := netip.MustParseAddr("192.168.1.7")
	for _, way := range []struct {
		name     string
		from, to netip.Addr
		in, out  *memDevice
		session  func() map[string]uint64
		sent     func() uint64
	}{
		{"server to client", lan, n.Local, w.serverDev, w.clientDev, func() map[string]uint64 { return w.server.Snapshot().Sessions[0].Counters }, func() uint64 { return w.server.Snapshot().Sessions[0].PacketsOut }},
		{"client to server", n.Local, lan, w.clientDev, w.serverDev, func() map[string]uint64 { return w.client.Snapshot().Sessions[0].Counters }, func() uint64 { return w.client.Snapshot().Sessions[0].PacketsOut }},
	} {
		t.Run(way.name, func(t *testing.T) {
			large := packet(way.from, way.to, 1, 1300)
			way.in.put(large)
			var data []byte
			for _, size := range []int{996, 20 + 1280 - 976} {
				p := w.expect(way.out)
				require.Len(t, p, size)
				require.Equal(t, len(data)/8, int(binary.BigEndian.Uint16(p[6:])&0x1FFF))
				require.Equal(t, len(data) == 0, p[6]&0x20 != 0)
				data = append(data, p[20:]...)
			}
			require.Equal(t, large[20:], data)

			way.in.put(withFlags(packet(way.from, way.to, 2, 1300), dontFragment))
			p := w.expect(way.in)
			require.Equal(t, []byte{3, 4}, p[20:22], "fragmentation needed")
			require.EqualValues(t, 996, binary.BigEndian.Uint16(p[26:]))
			require.Equal(t, way.from, netip.AddrFrom4([4]byte(p[16:20])))

			// A datagram of 4,000 bytes, as a device of 1,400 has it.
			for i, flags := range []uint16{moreFragments, moreFragments | 172, 344} {
				way.in.put(withFlags(packet(way.from, way.to, 3, 20+[]int{1376, 1376, 1256}[i]), flags))
			}
			total := 0
			for total < 4008 {
				p := w.expect(way.out)
				require.LessOrEqual(t, len(p), 996)
				require.Equal(t, total/8, int(binary.BigEndian.Uint16(p[6:])&0x1FFF))
				total += len(p) - 20
			}
			require.Equal(t, 4008, total)

			// Whole packets and fragments of one batch keep their order.
			for i := range uint32(20) {
				way.in.put(packet(way.from, way.to, i, 100+int(i%2)*1200))
			}
			for i := range uint32(20) {
				require.Equal(t, i, number(w.expect(way.out)))
				if i%2 == 1 {
					w.expect(way.out)
				}
			}
			counters := way.session()
			assert.EqualValues(t, 1+3+10, counters["out_fragmented"])
			assert.EqualValues(t, 1, counters["out_icmp_too_big"])
			assert.Zero(t, counters["out_too_long"])
			assert.EqualValues(t, 1+1+3+20, way.sent()-counters["out_fragments"]+counters["out_fragmented"]+counters["out_icmp_too_big"], "every packet ends in one counter")
		})
	}
	w.stop()
}

// TestAnswersToTooLongPackets: who is told does not need to be told again at once, and a flood is
// not answered as one; every packet ends in one counter.
func TestAnswersToTooLongPackets(t *testing.T) {
	p := newPair(t, mustBackend(t), 0, 0)
	now := time.Unix(1000, 0)
	p.a.opts.Now = func() time.Time { return now }
	send := func(from netip.Addr, packets int) {
		var bufs [][]byte
		var sizes []int
		for range packets {
			b := make([]byte, 4096)
			copy(b[headroom:], withFlags(packet(from, serverIP, 0, 1450), dontFragment))
			bufs, sizes = append(bufs, b), append(sizes, 1450)
		}
		p.out.send(bufs, sizes)
		p.a.reply()
	}
	send(clientIP, 40)
	o := &p.a.out.stats
	require.EqualValues(t, 1, o.Answered, "of one flow in one run")
	require.EqualValues(t, 39, o.TooLong)
	require.Equal(t, 1, p.dev.packets)
	for i := range byte(100) {
		send(netip.AddrFrom4([4]byte{10, 0, 0, i}), 1)
	}
	require.EqualValues(t, answersAtOnce, o.Answered, "a budget of them")
	now = now.Add(time.Second / 2)
	for i := range byte(100) {
		send(netip.AddrFrom4([4]byte{10, 0, 0, i}), 1)
	}
	require.EqualValues(t, answersAtOnce+answersPerSecond/2, o.Answered)
	now = now.Add(time.Hour)
	for i := range byte(100) {
		send(netip.AddrFrom4([4]byte{10, 0, 0, i}), 1)
	}
	require.EqualValues(t, 2*answersAtOnce+answersPerSecond/2, o.Answered)
	require.EqualValues(t, 340, o.Answered+o.TooLong)
	require.Zero(t, p.wire.n)

	// A queue that nobody empties loses what comes more, and the buffers go back.
	now = now.Add(time.Hour)
	p.a.opts.Now = func() time.Time { now = now.Add(time.Hour); return now }
	before := o.Answered
	for i := range byte(100) {
		b := make([]byte, 4096)
		copy(b[headroom:], withFlags(packet(netip.AddrFrom4([4]byte{10, 0, 1, i}), serverIP, 0, 1450), dontFragment))
		p.out.send([][]byte{b}, []int{1450})
	}
	require.EqualValues(t, answerQueue, o.Answered-before)
}

// TestFragmentsDoNotAllocate: what is fragmented costs no memory that is not used again.
func TestFragmentsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops what pools keep")
	}
	p := newPair(t, mustBackend(t), 0, 0)
	b, large := make([]byte, 4096), packet(clientIP, serverIP, 0, 1450)
	bufs, sizes := [][]byte{b}, []int{1450}
	allocs := testing.AllocsPerRun(200, func() {
		copy(b[headroom:], large)
		p.wire.n = 0
		p.out.send(bufs, sizes)
		require.Equal(t, 2, p.wire.n)
	})
	require.Less(t, allocs, 1.0)
	require.Empty(t, p.a.out.borrowed)
}

func mustBackend(t *testing.T) *arc4.Backend {
	b, err := arc4.Lookup("")
	require.NoError(t, err)
	return b
}
