//go:build linux && !nodns

package nameservice

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// asSomebody runs f with the rights to files of a user that is not root.
func asSomebody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_, err := unix.SetfsuidRetUid(65534) // of this thread alone; root's way past modes goes with it
	require.NoError(t, err)
	defer func() { _, _ = unix.SetfsuidRetUid(0) }()
	f()
}

// TestSweepForAnybody: root's records are closed to others, who have none themselves.
func TestSweepForAnybody(t *testing.T) {
	for _, c := range []struct {
		name, content string
		told          bool
	}{
		{"resolv.conf is the network's", before, false},
		{"resolv.conf is a dead tunnel's", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := room(t)
			for dir := filepath.Dir(p.records); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
				require.NoError(t, os.Chmod(dir, 0o755)) // the testing package closes its own
			}
			p.put(t, before)
			if c.content == "" {
				s := p.tunnel()
				require.NoError(t, s.Set(t.Context(), through(true, "198.51.100.53")))
				s.crash()
			}
			require.NoError(t, os.Chmod(p.resolvConf, 0o644))
			require.NoError(t, os.MkdirAll(p.records, 0o700))
			require.NoError(t, os.Chmod(p.records, 0))
			var err error
			asSomebody(t, func() { err = p.sweep(slog.New(slog.DiscardHandler)) })
			require.NoError(t, os.Chmod(p.records, 0o700))
			if c.told {
				assert.ErrorIs(t, err, os.ErrPermission)
			} else {
				assert.NoError(t, err)
			}
		})
	}
}
