package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// BenchmarkPacketWork is what `make bench-router` counts the instructions of: packets of 1,400 B
// from the call of a device's reader to a device's Write, in batches of 64, stateless MPPE with 128
// bits, on the backend that is selected. Each iteration is a packet sent and received. Nothing of
// the runtime's is called but by the code that is counted.
func BenchmarkPacketWork(b *testing.B) {
	backend, err := arc4.Lookup("")
	require.NoError(b, err)
	const batch = 64
	p := newPair(b, backend, batch, defaultMTU)
	p.wire.inPlace = true
	now := time.Unix(1000, 0)
	for i := 0; i < b.N; i += batch {
		p.wire.n = 0
		for k, buf := range p.bufs {
			for at, c := range p.plain(k) { // and not copy, whose instructions would count
				buf[headroom+at] = c
			}
		}
		p.out.send(p.bufs, p.size)
		for k := range p.wire.n {
			p.pkts[k] = gre.Packet{Addr: serverOuter, Data: p.wire.sent[k]}
		}
		p.b.receive(now, p.pkts[:p.wire.n], p.w)
	}
	require.Equal(b, (b.N+batch-1)/batch*batch, p.dev.packets, "every packet arrives")
}
