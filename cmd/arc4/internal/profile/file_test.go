package profile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		code int
		want string // of the error, without the path
	}{
		"its owner's":        {"user = \"a\"", 0o600, exit.OK, ""},
		"open to read":       {"user = \"a\"", 0o644, exit.OK, ""},
		"open to change":     {"user = \"a\"", 0o666, exit.Permission, " can be changed by others (mode 0666), and it may name programs to run: chmod go-w "},
		"open to a group":    {"user = \"a\"", 0o620, exit.Permission, " can be changed by others (mode 0620)"},
		"a mistake":          {"user = \"a\"\nuser = \"b\"", 0o600, exit.Usage, ":2: "},
		"much too long":      {strings.Repeat("# x\n", maxFile), 0o600, exit.Usage, ": longer than 65536 bytes: is this the right file?"},
		"an empty one":       {"", 0o600, exit.OK, ""},
		"a section in it":    {"[a]", 0o600, exit.Usage, ":1: [a]: there are no sections here"},
		"none of this world": {"\x7fELF\x00\x01", 0o600, exit.Usage, ":1: "},
	} {
		t.Run(name, func(t *testing.T) {
			path := put(t, dir, "a.toml", c.text, c.mode)
			f, err := Read(path)
			assert.Equal(t, c.code, exit.CodeOf(err), "%v", err)
			if c.want != "" {
				require.ErrorContains(t, err, path+c.want)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.mode.Perm()&0o077 != 0, f.OpenToOthers())
		})
	}
	_, err := Read(filepath.Join(dir, "none.toml"))
	assert.ErrorContains(t, err, "none.toml: no such file")
	assert.Equal(t, exit.Usage, exit.CodeOf(err))
	_, err = Read(dir)
	assert.ErrorContains(t, err, "is a directory")
}

func TestCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "arc4", "office.toml")
	require.NoError(t, Free(path))
	text, err := Encode("what worked", []Pair{
		{"server", "vpn.example.net"}, {"user", `OFFICE\al"ice`}, {"default-route", true}, {"mtu", 1300}, {"route", []string{"10.0.0.0/8"}}, {"password", "a'b\"\\\n\u00e9"},
	})
	require.NoError(t, err)
	require.NoError(t, Create(path, text))
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	f, err := Read(path)
	require.NoError(t, err)
	require.Len(t, f.Entries, 6)
	assert.Equal(t, []string{"a'b\"\\\n\u00e9"}, f.Entries[5].Value.Items)
	assert.Equal(t, []string{`OFFICE\al"ice`}, f.Entries[1].Value.Items)

	for _, err := range []error{Create(path, []byte("# other")), Free(path)} {
		assert.EqualError(t, err, path+" is there already: remove it, or give another name")
		assert.Equal(t, exit.Usage, exit.CodeOf(err))
	}
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, text, kept)
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, left, 1, "nothing beside it")
	assert.ErrorContains(t, Create(filepath.Join(path, "x.toml"), text), "not a directory")
}
