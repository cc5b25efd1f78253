package main

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/internal/lab/memnet"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// innerPacket is a UDP packet without data between two addresses.
func innerPacket(from, to string) []byte {
	p := make([]byte, 28)
	ippkt.IPv4Header{From: netip.MustParseAddr(from), To: netip.MustParseAddr(to), Protocol: ippkt.UDP}.Put(p, 8)
	return p
}

// TestIdleTimeout ends a tunnel when nothing has passed for so long, tells the server, and is no
// failure. Packets either way keep it up.
func TestIdleTimeout(t *testing.T) {
	for name, send := range map[string]func(s *stage){
		"out": func(s *stage) { s.dev.Put(innerPacket("10.99.0.100", "10.99.0.1")) },
		"in": func(s *stage) {
			s.serverCf.Device.(*memnet.Device).Put(innerPacket("10.99.0.1", "10.99.0.100"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.clientCf.Reconnect, s.clientCf.IdleTimeout = true, 2*time.Minute
				s.play()
				defer s.end()
				s.waitUp()
				for range 5 {
					time.Sleep(90 * time.Second)
					send(s)
					synctest.Wait()
				}
				assert.Empty(t, s.ended, "packets have passed")
				printed, code, took := s.waitEnd()
				assert.Equal(t, "arc4: no packet passed for 2m0s", printed)
				assert.Equal(t, exit.OK, code)
				assert.InDelta(t, 2*time.Minute, took, float64(10*time.Second))
				synctest.Wait() // the server is told at the same time
				assert.Len(t, s.serverLn.of("session ended: the peer closed the link"), 1, "server:\n%s", s.serverLn)
			})
		})
	}
}

// TestConnectTimeout ends an attempt wherever it hangs, and says where; a tunnel that is up stays.
func TestConnectTimeout(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*stage)
		waits   string // by status, in the first second
		reason  string
	}{
		{"dialling", func(s *stage) { s.dialErr = errHang }, status.ForServer, "no tunnel within 5s: server 192.0.2.1:1723 does not answer on TCP"},
		{"no answer", answering(), status.ForCall, "no tunnel within 5s: server 192.0.2.1 has not answered the call"},
		{"no call", answering(ok()), status.ForCall, "no tunnel within 5s: server 192.0.2.1 has not answered the call"},
		{"GRE blocked", func(s *stage) { s.carrying(nothing) }, status.ForLink, "no tunnel within 5s: 192.0.2.1 accepted the call, but the login and the agreement on encryption and addresses were not done"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.clientCf.ConnectTimeout = 5 * time.Second
				c.prepare(s)
				s.play()
				defer s.end()
				start := time.Now()
				time.Sleep(time.Second)
				synctest.Wait()
				v := s.client.Snapshot().Client
				assert.Equal(t, c.waits, v.WaitsFor)
				assert.True(t, v.Until.Equal(start.Add(5*time.Second)), "until %v", v.Until)
				printed, code, took := s.waitEnd()
				assert.Equal(t, "arc4: "+c.reason, printed)
				assert.Equal(t, exit.Network, code)
				assert.GreaterOrEqual(t, took, 4*time.Second)
				assert.LessOrEqual(t, took, 5*time.Second, "and the farewell takes a second")
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.clientCf.ConnectTimeout = 5 * time.Second
		s.play()
		defer s.end()
		s.waitUp()
		time.Sleep(time.Hour)
		assert.Empty(t, s.ended)
		s.leave()
		s.wait(s.ended)
	})
}

// TestMaxFailCountsFromTheLastTunnel: what came to a tunnel is no failure.
func TestMaxFailCountsFromTheLastTunnel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.clientCf.Reconnect, s.clientCf.MaxFail = true, 3
		s.changing()
		s.play()
		defer s.end()
		s.waitUp()
		for range 3 {
			s.dialFails.Store(true)
			s.tcp.fail(nil)
			time.Sleep(2 * time.Second) // one pause of a second, and a failure
			s.dialFails.Store(false)
			s.waitUp()
			time.Sleep(time.Minute)
		}
		s.dialFails.Store(true)
		s.tcp.fail(nil)
		printed, code, _ := s.waitEnd()
		assert.Equal(t, "arc4: given up after 3 attempts without a tunnel; the last one: server 192.0.2.1:1723 cannot be reached: network is unreachable", printed)
		assert.Equal(t, exit.Network, code)
	})
}

// TestRetryAuth: a refused login is tried again once a minute, and another network makes it no
// better.
func TestRetryAuth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.clientCf.Reconnect, s.clientCf.RetryAuth = true, true
		s.changing()
		s.password.Store("another")
		s.play()
		defer s.end()
		start := time.Now()
		time.Sleep(30 * time.Second)
		s.changed <- struct{}{}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		assert.Equal(t, uint64(1), s.client.Snapshot().Client.Attempts)
		assert.Len(t, s.serverLn.of("authentication failed"), 1)
		s.password.Store("secret")
		s.waitUp()
		assert.Less(t, time.Since(start), 70*time.Second)
		s.leave()
		s.wait(s.ended)
	})
}
