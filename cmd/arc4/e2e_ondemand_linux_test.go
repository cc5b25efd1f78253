package main

import (
	"fmt"
	"net"
	"regexp"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/features"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// waitState waits until the client does something, such as status.Waiting.
func (l *testbed) waitState(t *testing.T, want string) (s status.Snapshot) {
	t.Helper()
	waitFor(t, "the client to be "+want, func() error {
		if s = l.clientStatus(t); s.Client.State != want {
			return fmt.Errorf("it is %s", s.Client.State)
		}
		return nil
	})
	return s
}

// TestE2EOnDemand has a tunnel made for packets, go down when there are none, and come back for the
// next, with a route to one host and with a default route, which takes in the server itself. A
// packet from the address that the server gives arrives although it was sent before there was a
// tunnel.
func TestE2EOnDemand(t *testing.T) {
	rows := map[string][]string{"one route": {"--route", serverInner + "/32"}, "default route": {"--default-route"}}
	if features.KillSwitch {
		rows["kill switch"] = []string{"--default-route", "--kill-switch"}
	}
	for name, routes := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newTestbed(t)
			before := l.client.snapshot(t)
			server := l.serve(t, "--listen", serverFar)
			client := l.connectTo(t, serverFar, "wonderland", append([]string{"--on-demand", "--on-demand-ip", "10.99.0.100", "--idle-timeout", "4"}, routes...)...)
			client.waitLog(t, "level=INFO", 1)
			waitFor(t, "the socket", func() error {
				return l.client.Do(func() error {
					_, err := status.Fetch(t.Context(), "/run/arc4/connect.sock")
					return err
				})
			})
			l.waitState(t, status.Waiting)
			device, _ := l.client.way(t, serverInner)
			assert.Equal(t, "arc40", device)
			p := l.client.start(t, "status")
			require.Equal(t, exit.OK, p.wait(t))
			assert.Regexp(t, `(?m)^waiting for \d+s\nwaits for a packet to the networks behind the tunnel$`, p.stdout.String())
			assert.Zero(t, l.server.sessions(t))

			for round := range 2 {
				l.datagram(t, fmt.Sprintf("round %d", round))
				s := l.waitState(t, status.Waiting) // after it was up: the datagram has come
				assert.Equal(t, "no packet passed for 4s", s.Client.Reason)
				assert.Zero(t, s.Refused["ip_on_demand"])
				assert.Zero(t, s.Refused["ip_loop"])
				client.waitLog(t, "a packet asks for the tunnel.*UDP from 10.99.0.100 to "+regexp.QuoteMeta(serverInner), round+1)
				l.server.noSessions(t)
			}
			client.stop(t, syscall.SIGTERM)
			server.stop(t, syscall.SIGTERM)
			assert.Equal(t, before, l.client.snapshot(t))
		})
	}
}

// datagram sends one to the host behind the server, once, and waits for it there.
func (l *testbed) datagram(t *testing.T, text string) {
	t.Helper()
	var to net.PacketConn
	var from net.Conn
	l.server.Must(t, func() (err error) {
		to, err = net.ListenPacket("udp4", serverInner+":0")
		return err
	})
	defer to.Close()
	l.client.Must(t, func() (err error) {
		from, err = net.Dial("udp4", to.LocalAddr().String())
		return err
	})
	defer from.Close()
	got := make(chan string, 1)
	go func() {
		buf := make([]byte, 100)
		n, _, _ := to.ReadFrom(buf)
		got <- string(buf[:n])
	}()
	_, err := from.Write([]byte(text))
	require.NoError(t, err)
	waitFor(t, "the datagram", func() error {
		select {
		case s := <-got:
			assert.Equal(t, text, s)
			return nil
		default:
			return fmt.Errorf("it has not come")
		}
	})
}
