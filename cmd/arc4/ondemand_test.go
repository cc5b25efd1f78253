package main

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/internal/lab/memnet"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// onDemand has the client dial when a packet comes.
func (s *stage) onDemand() {
	local := netip.MustParseAddr("192.0.0.8")
	s.clientCf.OnDemand = func(context.Context) (netdev.Device, netip.Addr, error) { return s.dev, local, nil }
	bring := s.clientCf.Bring
	s.clientCf.Bring = func(ctx context.Context, n tunnel.Network) (netdev.Device, error) {
		local = n.Local
		return bring(ctx, n)
	}
}

// delivered takes the source of every packet that the server has put on its device.
func (s *stage) delivered() (from []string) {
	for {
		select {
		case p := <-s.serverCf.Device.(*memnet.Device).Got:
			from = append(from, ippkt.Source(p).String())
		default:
			return from
		}
	}
}

func (s *stage) doing() status.Client { return *s.client.Snapshot().Client }

// TestOnDemand goes through a day of a tunnel that is made for packets: nothing before the first,
// which is lost for its address, up, idle, and the next one arrives.
func TestOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.clientCf.IdleTimeout = time.Minute
		s.onDemand()
		s.play()
		defer s.end()
		time.Sleep(time.Hour)
		v := s.doing()
		assert.Equal(t, []string{status.Waiting, status.ForPacket, ""}, []string{v.State, v.WaitsFor, v.Reason})
		assert.Zero(t, v.Attempts)

		s.dev.Put(innerPacket("192.0.0.8", "224.0.0.251")) // which asks for nobody
		time.Sleep(time.Hour)
		assert.Equal(t, status.Waiting, s.doing().State)

		s.dev.Put(innerPacket("192.0.0.8", "10.99.0.1"))
		s.dev.Put(innerPacket("192.168.1.7", "10.99.0.1")) // routed through this machine
		s.waitUp()
		v = s.doing()
		assert.Equal(t, []string{status.Up, "UDP from 192.0.0.8 to 10.99.0.1"}, []string{v.State, v.WokenBy})
		assert.Empty(t, s.delivered(), "this server takes its client's own address alone")
		assert.Equal(t, uint64(1), s.client.Snapshot().Refused["ip_on_demand"])
		assert.Equal(t, uint64(1), s.session().Counters["in_spoofed"])
		given := s.session().Remote.String()

		s.dev.Put(innerPacket(given, "10.99.0.1"))
		synctest.Wait()
		assert.Equal(t, []string{given}, s.delivered())
		<-s.down
		synctest.Wait()
		time.Sleep(5 * time.Second) // the farewell
		v = s.doing()
		assert.Equal(t, []string{status.Waiting, status.ForPacket, "no packet passed for 1m0s"}, []string{v.State, v.WaitsFor, v.Reason})
		assert.Empty(t, s.server.Snapshot().Sessions)

		time.Sleep(time.Hour)
		for range 3 {
			s.dev.Put(innerPacket(given, "10.99.0.1"))
		}
		s.waitUp()
		assert.Equal(t, []string{given, given, given}, s.delivered(), "with the address it had, nothing is lost")
		assert.Equal(t, uint64(1), s.client.Snapshot().Refused["ip_on_demand"])
		s.leave()
		assert.Contains(t, s.wait(s.ended), "stopped")
	})
}

// TestOnDemandWithoutAServer: an attempt that fails waits for its pause and then for the next
// packet, and no attempt is made for nobody.
func TestOnDemandWithoutAServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.changing()
		s.onDemand()
		s.dialFails.Store(true)
		s.play()
		defer s.end()
		s.dev.Put(innerPacket("192.0.0.8", "10.99.0.1"))
		synctest.Wait()
		v := s.doing()
		assert.Equal(t, []string{status.Reconnecting, status.ForPause}, []string{v.State, v.WaitsFor})
		s.dev.Put(innerPacket("192.0.0.8", "10.99.0.1")) // nothing is done for it
		time.Sleep(time.Hour)
		v = s.doing()
		assert.Equal(t, []string{status.Waiting, "server 192.0.2.1:1723 cannot be reached: network is unreachable"}, []string{v.State, v.Reason})
		assert.Equal(t, uint64(1), v.Attempts)
		refused := s.client.Snapshot().Refused
		assert.Equal(t, []uint64{1, 1}, []uint64{refused["ip_on_demand"], refused["ip_no_session"]})
		s.dialFails.Store(false)
		s.dev.Put(innerPacket("192.0.0.8", "10.99.0.1"))
		s.waitUp()

		// A tunnel that breaks is no other: without a packet nothing is done.
		s.tcp.fail(errors.New("reset"))
		time.Sleep(time.Hour)
		assert.Equal(t, status.Waiting, s.doing().State)
		s.dev.Put(innerPacket("10.99.0.100", "10.99.0.1"))
		s.waitUp()
		s.leave()
		s.wait(s.ended)
	})
}

// TestOnDemandEnds where a client ends that reconnects, and where there is no device.
func TestOnDemandEnds(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*stage)
		asks    bool
		printed string
		code    int
	}{
		{"wrong password", func(s *stage) { s.clientCf.Password = "wrong" }, true, "arc4: authentication failed: 691: wrong user name or password", exit.Auth},
		{"no device", func(s *stage) {
			s.clientCf.OnDemand = func(context.Context) (netdev.Device, netip.Addr, error) {
				return nil, netip.Addr{}, &tunnel.Error{Class: tunnel.ClassPermission, Text: "no TUN device"}
			}
		}, false, "arc4: no TUN device", exit.Permission},
		{"too many attempts", func(s *stage) { s.clientCf.MaxFail = 1; s.dialErr = errors.New("no way") }, true,
			"arc4: given up after 1 attempt without a tunnel; the last one: server 192.0.2.1:1723 cannot be reached: no way", exit.Network},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.onDemand()
				c.prepare(s)
				s.play()
				defer s.end()
				if c.asks {
					s.dev.Put(innerPacket("192.0.0.8", "10.99.0.1"))
				}
				printed, code, _ := s.waitEnd()
				assert.Equal(t, c.printed, printed)
				assert.Equal(t, c.code, code)
			})
		})
	}
}

// TestOnDemandAnotherDevice: one that goes away while nobody waits for it is made anew.
func TestOnDemandAnotherDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.onDemand()
		made := 0
		s.clientCf.OnDemand = func(context.Context) (netdev.Device, netip.Addr, error) {
			if made++; made > 1 {
				s.dev = memnet.NewDevice()
			}
			return s.dev, netip.MustParseAddr("192.0.0.8"), nil
		}
		s.play()
		defer s.end()
		synctest.Wait()
		require.Equal(t, 1, made)
		s.dev.End = netdev.ErrDeleted
		s.dev.Close()
		synctest.Wait()
		require.Equal(t, 2, made)
		s.dev.Put(innerPacket("192.0.0.8", "10.99.0.1"))
		s.waitUp()
		s.leave()
		s.wait(s.ended)
	})
}

// TestOnDemandWithoutEchoes: packets do not wait for long for a server that does not say whether it
// is open.
func TestOnDemandWithoutEchoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.clientCf.EchoInterval = -1
		s.onDemand()
		s.play()
		defer s.end()
		s.dev.Put(innerPacket("192.168.1.7", "10.99.0.1"))
		s.waitUp()
		assert.Zero(t, s.session().Counters["in_spoofed"])
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		assert.Equal(t, uint64(1), s.session().Counters["in_spoofed"])
		s.leave()
		s.wait(s.ended)
	})
}
