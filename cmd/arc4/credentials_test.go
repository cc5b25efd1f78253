package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// Modes count everywhere but where systemd, or a container's runtime, keeps secrets.
func TestKeptForUs(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "/run/credentials/arc4@office.service")
	for path, want := range map[string]bool{
		"/run/secrets/password":                           true,
		"/run/secrets/../secrets/password":                true,
		"/run/credentials/arc4@office.service/password":   true,
		"/run/secrets/../secrets-of-others/password":      false,
		"/run/secretsx/password":                          false,
		"/run/secrets":                                    false,
		"/run/credentials/arc4@office.service-x/password": false,
		"run/secrets/password":                            false,
		"":                                                false,
	} {
		assert.Equal(t, want, keptForUs(path), path)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	assert.False(t, keptForUs("/password"))
	assert.False(t, keptForUs("password"))
}

func TestPasswordSource(t *testing.T) {
	dir, here := t.TempDir(), func(text string) *string { return &text }
	require.NoError(t, os.WriteFile(filepath.Join(dir, "password"), []byte("of systemd\n"), 0o440))
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("of a file\n"), 0o600))
	for name, c := range map[string]struct {
		source      passwordSource
		variable    string
		credentials string
		want        string
	}{
		"all":                       {passwordSource{file: file, profile: here("of a profile")}, "of the environment", dir, "of a file"},
		"no file":                   {passwordSource{profile: here("of a profile")}, "of the environment", dir, "of the environment"},
		"neither, nor a variable":   {passwordSource{profile: here("of a profile")}, "", dir, "of a profile"},
		"nothing but a credential":  {passwordSource{}, "", dir, "of systemd"},
		"no credential of the name": {passwordSource{profile: here("of a profile")}, "", t.TempDir(), "of a profile"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CREDENTIALS_DIRECTORY", c.credentials)
			t.Setenv(passwordVariable, c.variable)
			if c.variable == "" {
				require.NoError(t, os.Unsetenv(passwordVariable))
			}
			assert.True(t, c.source.kept())
			got, asked, err := c.source.read(t.Context(), "alice", os.Stderr)
			require.NoError(t, err)
			assert.False(t, asked)
			assert.Equal(t, c.want, got)
		})
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	_, _, err := passwordSource{file: filepath.Join(dir, "password")}.read(t.Context(), "alice", os.Stderr)
	assert.Equal(t, exit.Permission, exit.CodeOf(err), "elsewhere others must not read it")
}
