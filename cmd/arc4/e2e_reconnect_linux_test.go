package main

import (
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// TestE2ELoggedInElsewhere has two clients of a user who may have one session, each to come back
// whenever it ends.
func TestE2ELoggedInElsewhere(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	before := l.client.snapshot(t)
	other := l.join(t, "other client", "wire2", "192.0.3.2", "192.0.3.1")
	server := l.serve(t, "--sessions-per-user", "1")
	first := l.connect(t, "--reconnect").up(t)
	cmd := command(t, "connect", serverOuter, "--user", "alice", "--reconnect")
	cmd.Env = append(cmd.Env, "ARC4_PASSWORD=wonderland")
	second := other.run(t, cmd).up(t)

	assert.Equal(t, "arc4: the server ended this session because the user has logged in again elsewhere, and it allows no more sessions at once",
		first.fails(t, exit.Policy))
	assert.Equal(t, before, l.client.snapshot(t))
	other.ping(t, tunnelLocal, 1400)
	require.Equal(t, 1, l.server.sessions(t))
	server.waitLog(t, "session ended.*the user has logged in again", 1)
	second.stop(t, syscall.SIGTERM)
	assert.NotContains(t, second.stderr.String(), "tunnel is down")
}

// TestE2EStatusWhileReconnecting asks a client why its tunnel is down, and when it tries again.
func TestE2EStatusWhileReconnecting(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	server := l.serve(t)
	client := l.connect(t, "--reconnect", "--holdoff", "2m").up(t)
	assert.Equal(t, status.Up, l.client.status(t).Client.State)
	server.signal(t, syscall.SIGKILL)
	client.waitLog(t, "tunnel is down; trying again", 1)
	asked := time.Now()
	s := l.client.status(t)
	require.NotNil(t, s.Client)
	assert.Equal(t, status.Reconnecting, s.Client.State)
	assert.Regexp(t, "^the server (closed|reset) the control connection", s.Client.Reason)
	assert.WithinRange(t, s.Client.NextAttempt, asked, asked.Add(2*time.Minute))
	p := l.client.start(t, "status")
	require.Equal(t, exit.OK, p.wait(t))
	assert.Regexp(t, `(?m)^reconnecting for \d+s, attempt 1 in (1m\d+s|2m0s)$`, p.stdout.String())
	assert.Regexp(t, `(?m)^waits for the pause to end, or the network to change$`, p.stdout.String())
	assert.Regexp(t, `(?m)^the last one ended: the server (closed|reset) the control connection`, p.stdout.String())
	client.stop(t, syscall.SIGTERM)
}

// TestE2EServerRestarts: a client comes back to a server that was killed and started again, with
// its device and its routes.
func TestE2EServerRestarts(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	before := l.client.snapshot(t)
	server := l.serve(t, "--listen", serverFar)
	client := l.connectTo(t, serverFar, "wonderland", "--default-route", "--reconnect", "--hold-off", "1").up(t)
	device := l.client.device(t, "arc40")
	server.signal(t, syscall.SIGKILL)
	client.waitLog(t, "tunnel is down; trying again.*refuses TCP connections", 1)
	l.serve(t, "--listen", serverFar)
	client.waitLog(t, "tunnel is up", 2)
	l.back(t)
	require.Equal(t, device.Index, l.client.device(t, "arc40").Index, "it is the device there was")
	client.stop(t, syscall.SIGTERM)
	assert.Equal(t, before, l.client.snapshot(t))
}

// TestE2EStatusCheck asks whether packets pass: they do, they stop on the way, and the tunnel is
// down.
func TestE2EStatusCheck(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	server := l.serve(t)
	check := func() (code int, out, errs string) {
		p := l.client.start(t, "status", "--check")
		return p.wait(t), p.stdout.String(), p.stderr.String()
	}
	code, _, errs := check()
	assert.Equal(t, exit.Down, code)
	assert.Regexp(t, `^arc4: no tunnel is running: .*\n$`, errs)

	client := l.connect(t, "--reconnect", "--hold-off", "10m", "--echo-interval", "5m").up(t)
	l.client.ping(t, tunnelLocal, 1400)
	code, out, errs := check()
	assert.Equal(t, exit.OK, code, errs)
	assert.Regexp(t, `^connect: up for \d+s, heard \d+s ago\n$`, out)
	p := l.server.start(t, "status", "--check")
	assert.Equal(t, exit.OK, p.wait(t))
	assert.Equal(t, "serve: server, 1 session\n", p.stdout.String())

	l.dropGRE(t)
	l.sendOne(t)
	code, out, errs = check()
	assert.Equal(t, exit.Down, code, out)
	assert.Regexp(t, `^arc4: connect: GRE packets were not acknowledged for \d+s, and none came, heard \d+s ago\n$`, errs)
	assert.Empty(t, out)

	server.signal(t, syscall.SIGKILL)
	client.waitLog(t, "trying again", 1)
	code, _, errs = check()
	assert.Equal(t, exit.Down, code)
	assert.Regexp(t, `^arc4: connect: reconnecting for \d+s, next attempt in \S+, waits for the pause to end, or the network to change; the last one ended: the server .*\n$`, errs)
	client.stop(t, syscall.SIGTERM)
}

// sendOne sends one packet through the tunnel, to which nothing may come back.
func (l *testbed) sendOne(t *testing.T) {
	t.Helper()
	l.client.Must(t, func() error {
		c, err := net.Dial("udp4", tunnelLocal+":9")
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte("x"))
		return err
	})
}

// TestE2ELeavingInSilence stops clients whose server cannot be heard any more: it takes no longer
// than where it can, and says what it waits for. GRE alone is lost, or everything.
func TestE2ELeavingInSilence(t *testing.T) {
	for name, silence := range map[string]func(*testing.T, *testbed){
		"GRE": func(t *testing.T, l *testbed) { l.dropGRE(t) },
		"all": func(t *testing.T, l *testbed) {
			l.server.Must(t, func() error {
				link, err := netlink.LinkByName("wire")
				if err == nil {
					err = netlink.LinkSetDown(link)
				}
				return err
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newTestbed(t)
			before := l.client.snapshot(t)
			l.serve(t)
			client := l.connect(t).up(t)
			silence(t, l)
			start := time.Now()
			client.stop(t, syscall.SIGINT)
			t.Logf("it took %v", time.Since(start).Round(10*time.Millisecond))
			client.waitLog(t, "ending the tunnel: the server is told", 1)
			if name == "GRE" { // in the other case the cable has lost its carrier
				assert.Equal(t, before, l.client.snapshot(t))
			}
		})
	}
}
