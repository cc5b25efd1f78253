package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/arc4tun/arc4tun/tunnel/status"
)

// TestWokenUp: after this machine was suspended a call has to prove that it lives, and the next
// attempt does not wait. The machine's clock stood still meanwhile, so nothing else tells of it.
func TestWokenUp(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*stage) // while it slept
		ends   string       // why the call ends; empty: it lives on
		within time.Duration
	}{
		{"the call lives", func(*stage) {}, "", 0},
		{"nothing comes any more", func(s *stage) { s.carrying(nothing); s.tcp.cut() }, "the peer is gone: no LCP echo was answered in 10s since this machine woke up", 10 * time.Second},
		{"the NAT has forgotten GRE", func(s *stage) { s.carrying(nothing) }, "the peer is gone: no LCP echo was answered in 10s since this machine woke up", 10 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.clientCf.Reconnect, s.clientCf.EchoInterval = true, 10*time.Minute
				s.play()
				defer s.end()
				s.waitUp()
				time.Sleep(time.Minute)
				c.change(s)
				start := time.Now()
				s.woken <- 8 * time.Hour
				if c.ends == "" {
					time.Sleep(time.Hour)
					assert.Empty(t, s.down)
					s.leave()
					s.wait(s.ended)
					return
				}
				<-s.down
				assert.InDelta(t, c.within, time.Since(start), float64(time.Second))
				s.carrying(nil)
				s.waitUp()
				assert.Less(t, time.Since(start), c.within+5*time.Second, "and comes back at once")
				assert.Contains(t, s.clientLn.String(), c.ends)
				s.leave()
				s.wait(s.ended)
			})
		})
	}
}

// TestWakingEndsThePause, and begins a dial anew that was made before.
func TestWakingEndsThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.clientCf.Reconnect, s.clientCf.HoldOff = true, time.Hour
		s.changing()
		s.dialFails.Store(true)
		s.play()
		defer s.end()
		time.Sleep(time.Minute)
		assert.Equal(t, status.ForPause, s.doing().WaitsFor)
		s.dialFails.Store(false)
		start := time.Now()
		s.woken <- time.Minute
		s.waitUp()
		assert.Less(t, time.Since(start), time.Second)
		s.leave()
		s.wait(s.ended)
	})
}
