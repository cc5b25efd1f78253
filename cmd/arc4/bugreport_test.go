//go:build !nobugreport

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReportedSecretFiles: the secrets of a tunnel are known wherever its files are, and nobody
// waits for a file that another program is to write.
func TestReportedSecretFiles(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "password"), []byte("Relative-Secret\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "users"), []byte("carol * Users-Secret *\n"), 0o600))
	reader, writer, err := os.Pipe() // to which nobody writes, as to a terminal
	require.NoError(t, err)
	t.Cleanup(func() { reader.Close(); writer.Close() })
	pipe := fmt.Sprintf("/dev/fd/%d", reader.Fd())
	for name, c := range map[string]struct {
		learn func(*evidence)
		text  string
		want  string
		miss  int
	}{
		"an argument":       {func(e *evidence) { e.argumentSecrets([]string{"arc4", "connect", "--password-file", "password"}, dir) }, "a Relative-Secret b", "a *** b", 0},
		"with a sign":       {func(e *evidence) { e.argumentSecrets([]string{"arc4", "serve", "--secrets=users"}, dir) }, "a Users-Secret b", "a *** b", 0},
		"a variable":        {func(e *evidence) { e.environment([]string{"ARC4_PASSWORD_FILE=password"}, "e.txt", dir) }, "a Relative-Secret b", "a *** b", 0},
		"an absolute path":  {func(e *evidence) { e.setting("password-file", filepath.Join(dir, "password"), "/nowhere") }, "a Relative-Secret b", "a *** b", 0},
		"a file of no more": {func(e *evidence) { e.setting("password-file", "gone", dir) }, "a b", "a b", 0},
		"a directory":       {func(e *evidence) { e.setting("password-file", ".", dir) }, "a b", "a b", 1},
		"a pipe":            {func(e *evidence) { e.setting("password-file", pipe, "") }, "a b", "a b", 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := new(evidence)
			c.learn(e)
			assert.Equal(t, c.want, string(e.secrets.Hide([]byte(c.text))))
			assert.GreaterOrEqual(t, len(e.report.Missing), c.miss)
		})
	}
}

func TestSearchedDomains(t *testing.T) {
	conf := "# search commented.example\nnameserver 192.0.2.53\nsearch corp.example.net. lab.example.net\ndomain home.example\nsearch . lan\n"
	assert.Equal(t, []string{"corp.example.net", "lab.example.net", "home.example"}, searchedDomains(conf))
}
