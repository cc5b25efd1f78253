package profile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// put writes a profile and gives its path.
func put(t *testing.T, dir, name, text string, mode os.FileMode) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	require.NoError(t, os.Chmod(path, mode))
	return path
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"office", "a", "A_b=c+d.e-f", "123456789012345"} {
		assert.NoError(t, CheckName(name), name)
	}
	for name, want := range map[string]string{
		"":                 "the name is empty",
		"1234567890123456": "1 to 15 of",
		"a b":              "1 to 15 of",
		"büro":             "1 to 15 of",
		"a/b":              "1 to 15 of",
		"-f":               "must not begin with -",
		"..":               "must not begin with .",
		"a\n":              "1 to 15 of",
		"serve":            "a server's file",
	} {
		assert.ErrorContains(t, CheckName(name), want, name)
	}
}

func TestFind(t *testing.T) {
	own, system := t.TempDir(), t.TempDir()
	dirs := []string{own, system, filepath.Join(system, "none")}
	office := put(t, system, "office.toml", "", 0o600)
	both := put(t, own, "both.toml", "", 0o600)
	put(t, system, "both.toml", "", 0o600)
	put(t, system, "chap-secrets", "", 0o600)
	put(t, system, ".new-1.toml", "", 0o600)

	name, path, err := Find("office", dirs)
	require.NoError(t, err)
	assert.Equal(t, []string{"office", office}, []string{name, path})
	_, path, err = Find("both", dirs)
	require.NoError(t, err)
	assert.Equal(t, both, path, "the user's own comes first")
	name, path, err = Find(office, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"office", office}, []string{name, path})
	t.Chdir(system)
	_, path, err = Find("./office.toml", nil)
	require.NoError(t, err)
	assert.True(t, filepath.IsAbs(path))

	assert.Equal(t, []string{"both", "office"}, Names(dirs))
	for which, want := range map[string]string{
		"ofice":            `no profile "ofice": did you mean office?`,
		"office.toml":      `no profile "office.toml": did you mean office?`,
		"home":             `no profile "home": there is no ` + own + `/home.toml and no ` + system + `/home.toml and no ` + system + `/none/home.toml`,
		"a b":              `"a b" is no name of a profile: give 1 to 15 of a-z, A-Z, 0-9 and _=+.-`,
		"/etc/arc4/office": "/etc/arc4/office: the name of a profile's file ends in .toml",
		"/x/a b.toml":      `"a b" is no name of a profile: give 1 to 15 of a-z, A-Z, 0-9 and _=+.-`,
	} {
		_, _, err := Find(which, dirs)
		assert.EqualError(t, err, want)
	}
}

func TestDirs(t *testing.T) {
	t.Setenv("HOME", "/home/alice")
	t.Setenv("XDG_CONFIG_HOME", "")
	assert.Equal(t, []string{"/home/alice/.config/arc4", "/etc/arc4"}, Dirs())
	t.Setenv("XDG_CONFIG_HOME", "/x")
	assert.Equal(t, []string{"/x/arc4", "/etc/arc4"}, Dirs())
	t.Setenv("XDG_CONFIG_HOME", "relative")
	t.Setenv("HOME", "")
	assert.Equal(t, []string{"/etc/arc4"}, Dirs(), "a directory of no home")
}
