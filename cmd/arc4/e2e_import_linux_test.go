//go:build !noprofiles

package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// TestE2EImport: what pppd dialled by is dialled by arc4, with a profile that nobody else may read.
func TestE2EImport(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t)
	dir := t.TempDir()
	l.client.ownDir(t, "/etc", dir)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "ppp", "peers"), 0o755))
	require.NoError(t, errors.Join(
		os.WriteFile(filepath.Join(dir, "ppp", "peers", "Office"), []byte("pty \"pptp "+serverOuter+" --nolaunchpppd\"\nname alice\nremotename office\nrequire-mppe-128\nfile /etc/ppp/options.pptp\nmtu 1300\nmru 1300\n"), 0o644),
		os.WriteFile(filepath.Join(dir, "ppp", "options.pptp"), []byte("lock\nnoauth\nlcp-echo-interval 7\n"), 0o644),
		os.WriteFile(filepath.Join(dir, "ppp", "chap-secrets"), []byte("alice\toffice\twonderland\t*\n"), 0o600)))

	p := l.client.start(t, "import", "/etc/ppp/peers/Office")
	require.Equal(t, exit.OK, p.wait(t), p.stderr.String())
	said := p.stdout.String()
	assert.Contains(t, said, "/etc/arc4/office.toml: server, user, password, dns, mtu, echo-interval\n")
	assert.Contains(t, said, "\n  line 7: mru 1300: arc4 takes packets of any length it is sent\n")
	assert.NotContains(t, said, "wonderland")
	saved := filepath.Join(dir, "arc4", "office.toml")
	info, err := os.Stat(saved)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	text, err := os.ReadFile(saved)
	require.NoError(t, err)
	assert.Equal(t, "# From /etc/ppp/peers/Office, by arc4 import (arc4 help profile).\n\nserver = '"+serverOuter+"'\nuser = 'alice'\npassword = 'wonderland'\ndns = 'off'\nmtu = 1300\necho-interval = '7s'\n", string(text))

	client := l.client.start(t, "connect", "--profile", "office").up(t)
	assert.Equal(t, 1300, session(t, l.client.status(t)).MTU)
	client.stop(t, syscall.SIGTERM)

	line := l.client.start(t, "import", "/etc/ppp/peers/Office").fails(t, exit.Usage)
	assert.Equal(t, "arc4: /etc/arc4/office.toml is there already: remove it, or give another --name", line)
}
