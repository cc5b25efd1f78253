package session

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// TestSequenceWraps: a session of 2^32 packets goes on at 0, data and control frames alike, also
// where some are lost around there.
func TestSequenceWraps(t *testing.T) {
	for name, mode := range map[string]uint8{"stateless": fuzzStateless, "stateful": fuzzStateful, "in clear": fuzzClear} {
		t.Run(name, func(t *testing.T) {
			p := modePair(t, mode)
			now := time.Unix(1000, 0)
			p.a.out.seq = gre.NewSequencer(1<<32 - 100)
			for range 10 {
				p.cross(now)
			}
			before, frames := p.dev.packets, p.b.in.stats.Frames
			for i := range 50 {
				p.cross(now)
				p.wire.n = 0
				p.a.out.sendFrame(controlFrame(ppp.ProtoLCP, 9, byte(i), binary.BigEndian.AppendUint32(nil, 0)))
				p.b.receive(now, []gre.Packet{{Addr: serverOuter, Data: p.wire.sent[0]}}, p.w)
				<-p.b.in.frames
			}
			require.Equal(t, before+200, p.dev.packets)
			require.Equal(t, frames+50, p.b.in.stats.Frames)
			require.Less(t, p.b.in.data.last, uint32(1000), "the numbers have wrapped")
			ack, ok := p.b.acks.piggyback()
			require.True(t, ok)
			require.Equal(t, p.b.in.data.last, ack, "frames that prove nothing are not acknowledged before data")
		})
	}
}
