package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/bench/libcrypto"
)

func TestSave(t *testing.T) {
	got := measureFake(t)
	o := options{dir: filepath.Join(t.TempDir(), "doc", "bench")}
	require.NoError(t, o.save(tabulate(rows(fakeBackends()), got), got))
	for name, begin := range map[string]string{tableFile: "<!--", chartFile: "<?xml"} {
		text, err := os.ReadFile(filepath.Join(o.dir, name))
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(string(text), begin), name)
	}
	blocked := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o644))
	assert.Error(t, options{dir: blocked}.save(nil, got))
}

func TestRefuses(t *testing.T) {
	err := options{runs: 0}.run(t.Context(), io.Discard, io.Discard)
	if libcrypto.Built {
		assert.EqualError(t, err, "cannot measure 0 times: give 1 or more")
	} else {
		assert.ErrorContains(t, err, "this build has no libcrypto; use make bench")
	}
}
