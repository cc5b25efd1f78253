package session

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// statefulPair makes a pair stateful in the direction that is tested.
func statefulPair(t *testing.T, linuxReset bool) *pair {
	backend, err := arc4.Lookup("")
	require.NoError(t, err)
	p := newPair(t, backend, 4, 64)
	d := ppp.Direction{Key: []byte("0123456789abcdef"), Strength: 128}
	for _, s := range []*Session{p.a, p.b} {
		s.cfg.LinuxReset = linuxReset
		require.NoError(t, s.encrypt(ppp.EncryptionUp{Send: d, Recv: d}))
	}
	return p
}

// TestStatefulOutage: after a long outage the decrypter has many flag packets' key changes to make
// up for, and the session's timer makes them; it must not take a Reset-Request, one a second, for
// every sixteen.
func TestStatefulOutage(t *testing.T) {
	for _, linuxReset := range []bool{false, true} {
		t.Run(fmt.Sprintf("LinuxReset %t", linuxReset), func(t *testing.T) {
			p := statefulPair(t, linuxReset)
			now := time.Unix(1000, 0)
			p.cross(now)
			p.swallow(100_000)
			before := p.dev.packets
			resets := 0
			for ; p.dev.packets == before; resets++ {
				require.LessOrEqual(t, resets, 8, "the session does not recover")
				p.a.event(ppp.ResetRequested{})
				p.cross(now)
				p.b.in.catchUp(now)
				now = now.Add(catchUpEvery)
			}
			t.Logf("recovered after %d resets", resets)
			before = p.dev.packets
			p.cross(now)
			require.Equal(t, before+4, p.dev.packets)
			p.b.in.catchUp(now)
			require.False(t, p.b.in.behind, "nobody is woken every 10 ms for ever")
		})
	}
}

// TestExpiryFindsALoss: a stateful session learns of a loss when the window gives the lost packet
// up, which its own timer does when nothing else comes. The Reset-Request must not wait for the
// next packet.
func TestExpiryFindsALoss(t *testing.T) {
	p := statefulPair(t, false)
	now := time.Unix(1000, 0)
	p.b.link.Open(now)
	p.cross(now)
	p.swallow(1)
	p.cross(now)
	require.False(t, p.b.resets)
	p.b.work(now.Add(time.Second))
	require.Equal(t, uint64(1), p.b.in.dec.Stats().Resets)
	require.True(t, p.b.resets, "the reset is asked for at once")
}
