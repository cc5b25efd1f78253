package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// withoutCCP rejects the client's CCP in the server's name, as a server does that does not know it.
func withoutCCP() func(*stage, netip.Addr, gre.Header, []byte) [][]byte {
	var asked atomic.Value
	return func(_ *stage, from netip.Addr, _ gre.Header, frame []byte) [][]byte {
		p, info, err := ppp.ParseFrame(frame)
		if err != nil || p != ppp.ProtoCCP {
			return [][]byte{frame}
		}
		if from == stageClient {
			asked.Store(append([]byte{0x80, 0xFD}, info...))
			return [][]byte{frame} // the server answers, and that becomes the rejection
		}
		if quoted, ok := asked.Load().([]byte); ok {
			return [][]byte{pppFrame(ppp.ProtoLCP, 8, 200, quoted)}
		}
		return nil
	}
}

// terminating has somebody forge a Terminate-Request of Windows while the client logs in, which
// says that the server refuses the account. It takes a call ID to do that, and nothing else.
func terminating(_ *stage, from netip.Addr, _ gre.Header, frame []byte) [][]byte {
	if p, info, err := ppp.ParseFrame(frame); err == nil && from == stageServer && p == ppp.ProtoCHAP && info[0] == 1 {
		frame = pppFrame(ppp.ProtoLCP, 5, 200, []byte{0x12, 0x34, 0x56, 0x78, 0x00, 0x3C, 0xCD, 0x74, 0, 0, 0x02, 0xB3})
	}
	return [][]byte{frame}
}

// TestReconnectOnceATunnelHasBeenUp breaks a tunnel and changes the world before the next attempt:
// what was good enough once is tried again and again, and comes back when the world does; only a
// login that the server refuses is final.
func TestReconnectOnceATunnelHasBeenUp(t *testing.T) {
	for _, c := range []struct {
		name   string
		worse  func(*stage) // before the next attempt
		better func(*stage) // a minute later; nil: the client has ended
		code   int
		reason string // of the attempt that failed
	}{
		{"the password is another", func(s *stage) { s.password.Store("changed") }, nil, exit.Auth,
			"authentication failed: 691: wrong user name or password"},
		{"the server proves nothing", func(s *stage) {
			s.carrying(rewriting(ppp.ProtoCHAP, 3, []byte("S=0000000000000000000000000000000000000000")))
		},
			func(s *stage) { s.carrying(nil) }, exit.OK,
			"authentication failed: the server does not prove that it knows the password: its authenticator response is wrong"},
		{"a Terminate-Request that speaks of the account", func(s *stage) { s.carrying(terminating) }, func(s *stage) { s.carrying(nil) }, exit.OK,
			"the peer closed the link: 691: wrong user name or password"},
		{"no encryption", func(s *stage) { s.carrying(withoutCCP()) }, func(s *stage) { s.carrying(nil) }, exit.OK,
			"encryption is required, but the peer does not know CCP"},
		{"no raw socket", func(s *stage) { s.openErr.Store(syscall.EPERM) }, func(s *stage) { s.openErr.Store(syscall.Errno(0)) }, exit.OK,
			"GRE socket: operation not permitted"},
		{"no device", func(s *stage) { s.bringErr.Store(syscall.EPERM) }, func(s *stage) { s.bringErr.Store(syscall.Errno(0)) }, exit.OK,
			"no TUN device: operation not permitted"},
		{"no network", func(s *stage) { s.dialFails.Store(true) }, func(s *stage) { s.dialFails.Store(false) }, exit.OK,
			"server 192.0.2.1:1723 cannot be reached: network is unreachable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.clientCf.Reconnect = true
				s.changing()
				s.play()
				s.waitUp()
				c.worse(s)
				s.tcp.fail(syscall.ECONNRESET)
				time.Sleep(time.Minute)
				synctest.Wait()
				defer s.end()
				if c.better == nil {
					printed, code, _ := s.waitEnd()
					assert.Equal(t, "arc4: "+c.reason, printed)
					assert.Equal(t, c.code, code)
					return
				}
				v := s.client.Snapshot().Client
				assert.Empty(t, s.ended, "it has ended")
				assert.Equal(t, c.reason, v.Reason)
				assert.Greater(t, v.Attempts, uint64(3))
				start := time.Now()
				c.better(s)
				s.waitUp()
				t.Logf("%d attempts in a minute; back %v after the world was", v.Attempts, time.Since(start))
				assert.Equal(t, status.Up, s.client.Snapshot().Client.State)
				s.leave()
				_, code, _ := s.waitEnd()
				assert.Equal(t, c.code, code)
			})
		})
	}
}

// changing makes what the client meets depend on the stage's fields.
func (s *stage) changing() {
	s.password.Store("secret")
	s.openErr.Store(syscall.Errno(0))
	s.bringErr.Store(syscall.Errno(0))
	s.serverCf.Lookup = func(user string) (tunnel.Account, bool) {
		return tunnel.Account{Account: ppp.Account{Password: s.password.Load().(string)}}, user == "alice"
	}
	listen, bring, dial := s.clientCf.ListenGRE, s.clientCf.Bring, s.clientCf.Dial
	s.clientCf.ListenGRE = func(local, peer netip.Addr) (gre.Conn, error) {
		if e := s.openErr.Load().(syscall.Errno); e != 0 {
			return nil, e
		}
		return listen(local, peer)
	}
	s.clientCf.Bring = func(ctx context.Context, n tunnel.Network) (netdev.Device, error) {
		if e := s.bringErr.Load().(syscall.Errno); e != 0 {
			return nil, &tunnel.Error{Class: tunnel.ClassPermission, Text: fmt.Sprintf("no TUN device: %v", e)}
		}
		return bring(ctx, n)
	}
	s.clientCf.Dial = func(ctx context.Context, address string) (net.Conn, error) {
		if s.dialFails.Load() {
			return nil, syscall.ENETUNREACH
		}
		return dial(ctx, address)
	}
}

// TestLeavingTakesASecond: whoever stops a client or a server waits for that, and no longer, for a
// peer that says nothing.
func TestLeavingTakesASecond(t *testing.T) {
	cut := func(s *stage) { s.carrying(nothing); s.tcp.cut() }
	for _, c := range []struct {
		name    string
		silence func(*stage)
		leave   func(*stage)
		server  bool // it is the server that leaves
	}{
		{"GRE is blocked", func(s *stage) { s.carrying(nothing) }, func(s *stage) { s.leave() }, false},
		{"the server is gone", cut, func(s *stage) { s.leave() }, false},
		{"all is well", func(*stage) {}, func(s *stage) { s.leave() }, false},
		{"the client is gone", cut, func(s *stage) { s.stop() }, true},
		{"all is well at the server", func(*stage) {}, func(s *stage) { s.stop() }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.play()
				s.waitUp()
				c.silence(s)
				synctest.Wait()
				start := time.Now()
				c.leave(s)
				if c.server {
					s.stopped <- <-s.stopped
				} else {
					assert.Contains(t, s.wait(s.ended), "stopped")
					assert.Len(t, s.clientLn.of("ending the tunnel: the server is told"), 1, "who waits is told what for")
				}
				t.Logf("it took %v", time.Since(start))
				assert.LessOrEqual(t, time.Since(start), time.Second)
				s.end()
			})
		})
	}
}

// TestLeavingBeforeTheTunnelIsUp has control-C at every tenth of a second of a set-up that hangs.
func TestLeavingBeforeTheTunnelIsUp(t *testing.T) {
	for name, prepare := range map[string]func(*stage){
		"dialling":    func(s *stage) { s.dialErr = errHang },
		"no answer":   answering(),
		"no call":     answering(ok()),
		"GRE blocked": func(s *stage) { s.carrying(nothing) },
	} {
		t.Run(name, func(t *testing.T) {
			for after := time.Duration(0); after < 3*time.Second; after += 100 * time.Millisecond {
				synctest.Test(t, func(t *testing.T) {
					s := newStage(t)
					prepare(s)
					s.play()
					time.Sleep(after)
					start := time.Now()
					s.leave()
					assert.Contains(t, s.wait(s.ended), "stopped")
					assert.LessOrEqual(t, time.Since(start), time.Second, "left after %v", after)
					s.end()
				})
			}
		})
	}
}

// TestTheStateOfASessionIsTrue: one whose client is gone is up until that is noticed, closing for a
// moment, and then gone; it was never "negotiating" for as long as it has lived.
func TestTheStateOfASessionIsTrue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.serverCf.EchoInterval = 10 * time.Second
		s.play()
		s.waitUp()
		time.Sleep(95 * time.Second)
		up := s.session()
		assert.Equal(t, "up", up.State)
		s.carrying(nothing)
		s.tcp.cut()
		cut := time.Now()
		var states []string
		for {
			all := s.server.Snapshot().Sessions // one look: it may be gone at the next
			if len(all) == 0 {
				break
			}
			v := all[0]
			if n := len(states); n == 0 || states[n-1] != v.State {
				t.Logf("%v after the cut: %s for %v", time.Since(cut), v.State, time.Since(v.Since))
				states = append(states, v.State)
			}
			if v.State == "closing" {
				assert.Less(t, time.Since(v.Since), 2*time.Second, "that is how long it lives, not how long it closes")
			}
			require.Less(t, time.Since(cut), time.Minute)
			time.Sleep(50 * time.Millisecond)
		}
		assert.Equal(t, []string{"up", "closing"}, states)
		s.end()
	})
}
