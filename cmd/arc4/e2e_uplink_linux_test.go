package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// sends waits until a machine's only session sends by a way, with traffic so that the way can prove
// itself.
func (l *testbed) sends(t *testing.T, m *machine, way, why string) status.Session {
	t.Helper()
	var s status.Session
	waitFor(t, "sending by "+way, func() error {
		l.client.ping(t, tunnelLocal, 100)
		s = session(t, m.status(t))
		if s.IO.Way != way || !strings.Contains(s.IO.Why, why) {
			return fmt.Errorf("it is %s: %s", s.IO.Way, s.IO.Why)
		}
		return nil
	})
	return s
}

// TestE2EWaysOfSending runs a tunnel by each way, each end by its own.
func TestE2EWaysOfSending(t *testing.T) {
	for _, tc := range []struct {
		server, client       string // --io
		serverWay, clientWay string
		serverWhy, clientWhy string
	}{
		{"auto", "auto", "xsk", "xsk", "wire queue 0, next hop " + clientOuter, "wire queue 0, next hop " + serverOuter},
		{"raw", "xsk", "raw", "xsk", "it was asked for", "wire queue 0"},
		{"packet", "raw", "packet", "raw", "wire, next hop " + clientOuter, "it was asked for"},
	} {
		t.Run(tc.server+" and "+tc.client, func(t *testing.T) {
			t.Parallel()
			l := newTestbed(t)
			server := l.serve(t, "--io", tc.server, "--mppe-reserve", "64") // with keys made ahead, besides
			client := l.connect(t, "--io", tc.client, "--mppe-reserve", "64").up(t)
			s := l.sends(t, l.server, tc.serverWay, tc.serverWhy)
			if tc.serverWay != "raw" {
				assert.Zero(t, s.Counters["out_back_to_raw"])
			}
			l.sends(t, l.client, tc.clientWay, tc.clientWhy)
			l.client.ping(t, tunnelLocal, 1400)

			p := l.client.start(t, "status")
			require.Equal(t, exit.OK, p.wait(t))
			assert.Regexp(t, `(?i)#\s+sent by\s+because\s`, p.stdout.String())
			assert.Regexp(t, `1\s+`+tc.clientWay+`\s+`+tc.clientWhy, p.stdout.String())
			client.stop(t, syscall.SIGTERM)
			server.stop(t, syscall.SIGTERM)
		})
	}
}

// TestE2EShapedUplink: a queueing discipline that does more than queue is respected, unless the
// user insists.
func TestE2EShapedUplink(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	server := l.serve(t)
	client := l.connect(t).up(t)
	l.sends(t, l.client, "xsk", "")
	l.client.Must(t, func() error {
		wire, err := netlink.LinkByName("wire")
		if err != nil {
			return err
		}
		return netlink.QdiscAdd(&netlink.Tbf{
			QdiscAttrs: netlink.QdiscAttrs{LinkIndex: wire.Attrs().Index, Parent: netlink.HANDLE_ROOT, Handle: netlink.MakeHandle(1, 0)},
			Rate:       125_000_000, Limit: 1 << 20, Buffer: 1 << 20,
		})
	})
	l.sends(t, l.client, "raw", "wire has the queueing discipline tbf, which only the raw socket respects")
	client.stop(t, syscall.SIGTERM)
	server.stop(t, syscall.SIGTERM)
}

// TestE2EDefaultRouteKeepsTheWay: the way to the server stays the uplink when everything else goes
// through the tunnel.
func TestE2EDefaultRouteKeepsTheWay(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	server := l.serve(t, "--listen", serverFar)
	client := l.connectTo(t, serverFar, "wonderland", "--default-route").up(t)
	l.sends(t, l.client, "xsk", "wire queue 0, next hop "+serverOuter)
	l.client.ping(t, serverInner, 1400)
	l.sends(t, l.client, "xsk", "wire queue 0, next hop "+serverOuter)
	client.stop(t, syscall.SIGTERM)
	server.stop(t, syscall.SIGTERM)
}
