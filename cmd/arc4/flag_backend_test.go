package main

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/backendcache"
)

func TestBackendCache(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux names its processor")
	}
	t.Setenv(arc4.Environment, "")
	key, err := backendcache.Here(versionString())
	require.NoError(t, err)
	other := key
	other.Processor = "another"
	auto, err := arc4.Lookup("auto")
	require.NoError(t, err)
	_, measured := arc4.Selected()

	for _, test := range []struct {
		name   string
		before func(t *testing.T, path string)
		want   string // the backend
		cached bool
		log    string
	}{
		{"no file", func(*testing.T, string) {}, auto.Name(), false, ""},
		{"a file of this machine", func(t *testing.T, path string) { require.NoError(t, backendcache.Store(path, key, "reference,u32")) }, "reference,u32", true, ""},
		{"of another machine", func(t *testing.T, path string) { require.NoError(t, backendcache.Store(path, other, "reference")) }, auto.Name(), false, "is of another processor"},
		{"an unknown backend", func(t *testing.T, path string) { require.NoError(t, backendcache.Store(path, key, "rot13")) }, auto.Name(), false, `unknown backend \"rot13\"`},
		{"another architecture's", func(t *testing.T, path string) { require.NoError(t, backendcache.Store(path, key, elsewhere())) }, auto.Name(), false, "cannot run here"},
		{"not our file", func(t *testing.T, path string) { require.NoError(t, os.WriteFile(path, []byte("?"), 0o600)) }, auto.Name(), false, "is not what --backend-cache writes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "backend")
			test.before(t, path)
			var lines bytes.Buffer
			log := slog.New(slog.NewTextHandler(&lines, nil))
			chosen, err := chooseBackend("auto", path, log)
			require.NoError(t, err)
			assert.Equal(t, test.want, chosen.Name())
			if test.cached {
				assert.Equal(t, "--backend-cache "+path, chosen.why)
			} else {
				assert.Equal(t, measured, chosen.why)
			}
			if test.log == "" {
				assert.Empty(t, lines.String())
			} else {
				assert.Contains(t, lines.String(), test.log)
			}
			// Whatever was there: the next start finds what this one took.
			lines.Reset()
			again, err := chooseBackend("auto", path, log)
			require.NoError(t, err)
			assert.Same(t, chosen.Backend, again.Backend)
			assert.Equal(t, "--backend-cache "+path, again.why)
			assert.Empty(t, lines.String())
		})
	}
}

// elsewhere is a backend that cannot run here.
func elsewhere() string {
	for _, b := range arc4.Known() {
		if b.Missing() != "" {
			return b.Name()
		}
	}
	return "none"
}

func TestBackendCacheCannotBeWritten(t *testing.T) {
	t.Setenv(arc4.Environment, "")
	var lines bytes.Buffer
	path := filepath.Join(t.TempDir(), "missing", "backend")
	chosen, err := chooseBackend("auto", path, slog.New(slog.NewTextHandler(&lines, nil)))
	require.NoError(t, err)
	require.NotNil(t, chosen.Backend)
	require.Contains(t, lines.String(), "the selected backend cannot be kept")
}

func TestBackendCacheWithoutEffect(t *testing.T) {
	t.Setenv(arc4.Environment, "u32")
	_, err := chooseBackend("auto", "f", slog.New(slog.DiscardHandler))
	require.EqualError(t, err, "--backend-cache f: has no effect with ARC4_BACKEND=u32: leave one of them out")
	t.Setenv(arc4.Environment, "auto")
	_, err = chooseBackend("u32", "f", slog.New(slog.DiscardHandler))
	require.EqualError(t, err, "--backend-cache f: has no effect with --backend u32: leave one of them out")
}

func TestBare(t *testing.T) {
	for text, want := range map[string]string{
		"arc4: no backend x":                    "no backend x",
		"--secrets users: ppp: line 3: no name": "--secrets users: line 3: no name",
		"tunnel: mppe: 40 bits":                 "40 bits",
		"user arc4: 3":                          "user arc4: 3",
		"open file: arc4":                       "open file: arc4",
		"mppewhat: arc4:none":                   "mppewhat: arc4:none",
	} {
		assert.Equal(t, want, bare(errors.New(text)))
	}
}
