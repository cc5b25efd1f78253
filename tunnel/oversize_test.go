package tunnel

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/internal/tunneltest"
)

// TestOverTheMTU is what a client with a small MRU makes of a server whose device has a larger MTU,
// and the other way round: what may be fragmented arrives in fragments, the sender of all else is
// told what fits.
func TestOverTheMTU(t *testing.T) {
	w := newWorld(t, func(c *ClientConfig, _ *ServerConfig, _ *wireOptions) { c.MTU = 996 })
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
			way.in.Put(large)
			var data []byte
			for _, size := range []int{996, 20 + 1280 - 976} {
				p := w.expect(way.out)
				require.Len(t, p, size)
				require.Equal(t, len(data)/8, int(binary.BigEndian.Uint16(p[6:])&0x1FFF))
				require.Equal(t, len(data) == 0, p[6]&0x20 != 0)
				data = append(data, p[20:]...)
			}
			require.Equal(t, large[20:], data)

			way.in.Put(tunneltest.WithFlags(packet(way.from, way.to, 2, 1300), tunneltest.DontFragment))
			p := w.expect(way.in)
			require.Equal(t, []byte{3, 4}, p[20:22], "fragmentation needed")
			require.EqualValues(t, 996, binary.BigEndian.Uint16(p[26:]))
			require.Equal(t, way.from, netip.AddrFrom4([4]byte(p[16:20])))

			// A datagram of 4,000 bytes, as a device of 1,400 has it.
			for i, flags := range []uint16{tunneltest.MoreFragments, tunneltest.MoreFragments | 172, 344} {
				way.in.Put(tunneltest.WithFlags(packet(way.from, way.to, 3, 20+[]int{1376, 1376, 1256}[i]), flags))
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
				way.in.Put(packet(way.from, way.to, i, 100+int(i%2)*1200))
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
