package capture

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/capturefile"
)

// TestOldFile: what is there is written over only if it is a capture of this program's that nobody
// writes.
func TestOldFile(t *testing.T) {
	own := func(t *testing.T, path string) {
		r := open(t, Config{Path: path, Version: "v1"})
		r.add(onInner, true, r.cfg.now(), ipPacket("old"), nil)
		require.NoError(t, r.Close())
	}
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		want string // of the error; empty: it is taken
	}{
		"none":        {func(*testing.T, string) {}, ""},
		"one of ours": {own, ""},
		"one of ours without a packet": {func(t *testing.T, path string) {
			require.NoError(t, open(t, Config{Path: path, Version: "v1"}).Close())
		}, ""},
		"one of ours, of any mode": {func(t *testing.T, path string) {
			own(t, path)
			require.NoError(t, os.Chmod(path, 0o644))
		}, ""},
		"an empty one": {func(t *testing.T, path string) { require.NoError(t, os.WriteFile(path, nil, 0o600)) }, ""},
		"another program's": {func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte("a letter"), 0o600))
		}, "is no capture of this program"},
		"what arc4 decrypt has written": {func(t *testing.T, path string) {
			file, err := os.Create(path)
			require.NoError(t, err)
			w, err := capturefile.NewWriter(file, capturefile.Format{Pcapng: true, Application: "arc4 v1"})
			require.NoError(t, err)
			_, err = w.Interface(4, "192.0.2.2 > 192.0.2.1 call 7", "user alice")
			require.NoError(t, err)
			require.NoError(t, w.Flush())
			require.NoError(t, file.Close())
		}, "is no capture of this program"},
		"half a header": {func(t *testing.T, path string) {
			own(t, path)
			require.NoError(t, os.Truncate(path, 30))
		}, "is no capture of this program"},
		"a symbolic link": {func(t *testing.T, path string) {
			own(t, path+".target")
			require.NoError(t, os.Symlink(path+".target", path))
		}, "is no regular file"},
		"a symbolic link to nothing": {func(t *testing.T, path string) { require.NoError(t, os.Symlink(path+".none", path)) }, "is no regular file"},
		"a second name": {func(t *testing.T, path string) {
			own(t, path+".first")
			require.NoError(t, os.Link(path+".first", path))
		}, "or has other names"},
		"a directory":         {func(t *testing.T, path string) { require.NoError(t, os.Mkdir(path, 0o700)) }, "is no regular file"},
		"one that is written": {func(t *testing.T, path string) { open(t, Config{Path: path}) }, "is being written by another capture"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.pcapng")
			c.make(t, path)
			before, _ := os.ReadFile(path)
			r, err := Open(Config{Path: path, Size: 1 << 20, Log: quiet(nil)})
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				after, _ := os.ReadFile(path)
				assert.Equal(t, before, after)
				assert.NoFileExists(t, path+".none")
				return
			}
			require.NoError(t, err)
			require.NoError(t, r.Close())
			info, err := os.Stat(path)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), info.Mode())
			_, packets, _ := readFile(t, path)
			assert.Empty(t, packets)
		})
	}
}

// TestRingLeavesOthersAlone: a file that would be in the way of a ring ends the capture.
func TestRingLeavesOthersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	require.NoError(t, os.WriteFile(path+".1", []byte("a letter"), 0o600))
	var text lockedBuffer
	r := open(t, Config{Path: path, Size: 5000, Files: 2, Log: quiet(&text)})
	for range 10 {
		r.add(onInner, true, r.cfg.now(), ipPacket(string(make([]byte, 900))), nil)
	}
	assert.ErrorContains(t, r.Close(), "is no capture of this program")
	assert.Contains(t, text.String(), "the tunnel goes on")
	letter, err := os.ReadFile(path + ".1")
	require.NoError(t, err)
	assert.Equal(t, "a letter", string(letter))
}
