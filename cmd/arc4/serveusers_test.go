package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/pool"
)

// usersOf opens a secrets file for the server arc4 with the pool 10.99.0.0/24, and gives what it
// logs.
func usersOf(t *testing.T, content string) (*users, *lockedBuffer, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	p, err := pool.Parse("10.99.0.0/24", netip.MustParseAddr("10.99.0.1"))
	require.NoError(t, err)
	book := new(lockedBuffer)
	u, err := openUsers(path, "arc4", false, p, slog.New(slog.NewTextHandler(book, nil)))
	require.NoError(t, err)
	return u, book, path
}

// lockedBuffer may be written by several goroutines.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// TestSecretsFileIsJudgedWhenItIsRead: what will let nobody in, or not the way it was meant, is
// said at the start, with the line and the user, and never with the secret.
func TestSecretsFileIsJudgedWhenItIsRead(t *testing.T) {
	const password = "s3cr3tw0rd"
	for name, c := range map[string]struct{ file, want string }{
		"all is well":          {"alice * " + password + " *\nbob arc4 " + password + " 10.99.0.7\n", ""},
		"no user":              {"# nobody yet\n", `at=PATH warning="has no user, so that nobody can log in`},
		"twice":                {"alice * " + password + " *\nalice * x *\n", `at=PATH:2 user=alice warning="the same user and server stand in line 1`},
		"a hash":               {"alice * pa#" + password + "\n", `at=PATH:1 user=alice warning="the secret ends before a #`},
		"for another server":   {"alice pptp-server " + password + " *\nbob vpn x *\n", `msg="no line of the secrets file is for this server, so that every login will fail: the second word has to be its --name, or *" at=PATH name=arc4 lines_are_for=pptp-server,vpn`},
		"some for others":      {"alice pptp-server " + password + " 10.0.0.1\nbob * x *\n", ""},
		"outside of the pool":  {"bob * x *\nalice * " + password + " 10.98.0.1\n", `an address outside of --pool, to which this machine has no route: enlarge --pool, or add one with ip route" at=PATH:2 user=alice address=10.98.0.1 pool=10.99.0.0/24`},
		"the server's own":     {"alice * " + password + " 10.99.0.1\n", `at=PATH:1 user=alice address=10.99.0.1`},
		"a network elsewhere":  {"alice * " + password + " 10.98.0.0/24\n", `allows this user no address of --pool, so that the login will be for nothing: change the line's networks, or --pool" at=PATH:1 user=alice pool=10.99.0.0/24`},
		"a larger network":     {"alice * " + password + " 10.0.0.0/8\n", ""},
		"a part of the pool":   {"alice * " + password + " !10.99.0.0/25 10.99.0.128/25\n", ""},
		"no address, as ever":  {"alice * " + password + "\n", `at=PATH:1 user=alice warning="no address column`},
		"any client's address": {"* * " + password + " 10.98.0.1\n", `at=PATH:1 user=* address=10.98.0.1`},
	} {
		t.Run(name, func(t *testing.T) {
			u, book, path := usersOf(t, c.file)
			text := strings.ReplaceAll(book.String(), path, "PATH")
			assert.NotContains(t, text, password)
			if c.want == "" {
				assert.Empty(t, text)
			}
			assert.Contains(t, text, c.want)

			// Strangers add nothing to it, whatever names they have looked up.
			for i := range 1000 {
				u.find(fmt.Sprint("mallory ", i))
			}
			assert.Equal(t, text, strings.ReplaceAll(book.String(), path, "PATH"))
		})
	}
}

func TestRefusedLoginIsExplained(t *testing.T) {
	u, _, _ := usersOf(t, "alice pptp-server x *\nalice vpn x *\nbob arc4 x *\n")
	assert.Equal(t, "the secrets file has this user, but for the server pptp-server, vpn, and this one is arc4 (--name)", u.explain("alice"))
	assert.NotEmpty(t, u.explain(`OFFICE\alice`))
	assert.Empty(t, u.explain("bob"))
	assert.Empty(t, u.explain("carol"))
}

// TestDenialIsSaidOnce: a user without an address says so once a line, however often the user logs
// in and whatever the pool asks for.
func TestDenialIsSaidOnce(t *testing.T) {
	u, book, path := usersOf(t, "alice * x\n")
	for range 100 {
		a, ok := u.find("alice")
		require.True(t, ok)
		require.False(t, a.Allowed(netip.MustParseAddr("10.99.0.2")))
	}
	assert.Equal(t, 1, strings.Count(book.String(), "allows this user no address: add a fourth word"))
	require.NoError(t, os.WriteFile(path, []byte("alice * x\n\n"), 0o600))
	u.reload()
	a, _ := u.find("alice")
	require.False(t, a.Allowed(netip.MustParseAddr("10.99.0.2")))
	assert.Equal(t, 2, strings.Count(book.String(), "allows this user no address: add a fourth word"), "and again when the file has changed")
}

// TestUserAddedWithinTheSecond is there at once.
func TestUserAddedWithinTheSecond(t *testing.T) {
	u, _, path := usersOf(t, "alice * x *\n")
	_, ok := u.find("bob")
	require.False(t, ok)
	require.NoError(t, os.WriteFile(path, []byte("alice * x *\nbob * y *\n"), 0o600))
	_, ok = u.find("bob")
	require.True(t, ok)
}
