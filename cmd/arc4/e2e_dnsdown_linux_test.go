//go:build !nodns && !noprofiles

package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// TestE2EDownPutsNameServersBack: after kill -9 nobody has to dial again to have names.
func TestE2EDownPutsNameServersBack(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.nameServers(t)
	l.client.Must(t, func() error {
		if err := os.MkdirAll("/etc/arc4", 0o755); err != nil {
			return err
		}
		return os.WriteFile("/etc/arc4/office.toml", []byte("server = \""+serverOuter+"\"\nuser = \"alice\"\npassword = \"wonderland\"\ndefault-route = true\n"), 0o600)
	})
	before := l.client.snapshot(t)
	l.serve(t, "--dns", insideServer)
	l.client.start(t, "connect", "--profile", "office").up(t).killed(t)
	require.Contains(t, l.client.resolvConf(t), "\nnameserver "+insideServer+"\n", "which is what this is about")
	p := l.client.start(t, "down", "office")
	require.Equal(t, exit.OK, p.wait(t), p.stderr.String())
	assert.Equal(t, before, l.client.snapshot(t))
}
