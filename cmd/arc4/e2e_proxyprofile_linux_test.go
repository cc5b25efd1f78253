//go:build !noproxy && !noprofiles

package main

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// TestE2EProxyProfile: a profile with a proxy comes up in the background, is listed, found well,
// restarted, killed and brought up again, and leaves nothing; nothing is set on this machine all
// the while, but for its socket.
func TestE2EProxyProfile(t *testing.T) {
	t.Parallel()
	l := newLaptop(t)
	l.serve(t)
	l.home.profile(t, "office", officeProfile+"socks5 = \"1080\"\nhttp-proxy = \"1080\"\nforward = [\"8022="+serverInner+":22\"]\nreverse = [\"8023=22\"]\n")
	inside, forwarded := l.server.listens(t, serverInner), l.server.listensAt(t, serverInner+":22")
	before, networkBefore := l.client.snapshot(t), l.client.network(t)
	works := func(when string) {
		t.Helper()
		assert.Equal(t, networkBefore, l.client.network(t), when)
		exchangeBy(t, l.client.socks(t, nil, proxyAt).DialContext, inside, 100_000)
		exchangeBy(t, machineDialer{l.client, t}.DialContext, listenerAt{forwarded, "127.0.0.1:8022"}, 100_000)
		assert.Equal(t, status.Up, l.listed(t, "office").State, when)
		check := l.home.start(t, l.client, nil, "status", "--check")
		assert.Equal(t, exit.OK, check.wait(t), "%s: %s", when, check.stderr.String())
	}

	assert.Regexp(t, `^office is up: 10\.99\.0\.10\d on a proxy\n$`, l.does(t, "up", "office"))
	works("up")
	first := l.listed(t, "office")
	assert.Empty(t, first.Device)
	assert.Contains(t, l.does(t, "status"), "socks5 and http  "+proxyAt)
	assert.Contains(t, l.does(t, "restart", "office"), "office is up: ")
	assert.NotEqual(t, first.PID, l.listed(t, "office").PID)
	works("restarted")
	assert.Equal(t, "office is down\n", l.does(t, "down", "office"))
	assert.Equal(t, before, l.client.snapshot(t), "down")

	kill := func() {
		require.NoError(t, syscall.Kill(l.listed(t, "office").PID, syscall.SIGKILL))
		l.waitListed(t, "office", "killed")
		assert.Equal(t, networkBefore, l.client.network(t), "killed")
	}
	l.does(t, "up", "office")
	kill()
	check := l.home.start(t, l.client, nil, "status", "--check")
	assert.NotEqual(t, exit.OK, check.wait(t))
	assert.Equal(t, "office was killed; what it left is removed\n", l.does(t, "down", "office"))
	assert.Equal(t, before, l.client.snapshot(t), "no dead socket either")
	l.does(t, "up", "office")
	kill()
	assert.Regexp(t, `^office is up: 10\.99\.0\.10\d on a proxy\n$`, l.does(t, "up", "office"))
	works("after it was killed")
	assert.Equal(t, "office is down\n", l.does(t, "down", "office"))
	assert.Equal(t, before, l.client.snapshot(t), "nothing is left")
}

// network is what a snapshot has but for files.
func (m *machine) network(t *testing.T) (lines []string) {
	t.Helper()
	m.Must(t, func() (err error) {
		lines, err = networkState()
		return err
	})
	return lines
}
