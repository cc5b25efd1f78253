package main

import (
	"regexp"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// TestE2EBan has a user who is banned say so at the client, in the log and in the status; another
// user of that address is not.
func TestE2EBan(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	server := l.serve(t, "--max-failures", "2", "--ban-time", "1h")
	for range 2 {
		assert.Contains(t, l.connectTo(t, serverOuter, "wrong").fails(t, exit.Auth), "691")
	}
	assert.Contains(t, l.connect(t).fails(t, exit.Network), "banned after failed logins, for 3")
	server.waitLog(t, `level=WARN msg="user banned at an address" peer=192\.0\.2\.2 user=alice failures=2 for=1h0m0s`, 1)
	server.waitLog(t, `level=WARN msg="login refused" peer=192\.0\.2\.2 .*user=alice`, 1)
	bans := l.server.status(t).Bans
	require.Len(t, bans, 1)
	assert.Equal(t, "alice", bans[0].User)
	cmd := command(t, "connect", serverOuter, "--user", "bob")
	cmd.Env = append(cmd.Env, "ARC4_PASSWORD=builder")
	l.client.run(t, cmd).up(t).stop(t, syscall.SIGTERM)
	shown := l.server.start(t, "status")
	require.Equal(t, exit.OK, shown.wait(t))
	assert.Regexp(t, regexp.MustCompile(`(?s)BANNED +USER +FOR +BECAUSE.*192\.0\.2\.2 +alice +59m.* 2 failed logins of this user from this address.*refused: authentication 2, banned 1`), shown.stdout.String())
	t.Log(shown.stdout.String())
}
