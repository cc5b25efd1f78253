//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package status

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLockHeldByAnother: whoever may read a directory can lock it, and must not keep a tunnel from
// starting for ever.
func TestLockHeldByAnother(t *testing.T) {
	dir := t.TempDir()
	other, err := os.Open(dir)
	require.NoError(t, err)
	require.NoError(t, syscall.Flock(int(other.Fd()), syscall.LOCK_SH))
	_, err = lockDir(dir, 0)
	require.ErrorIs(t, err, syscall.EWOULDBLOCK)

	require.NoError(t, other.Close())
	unlock, err := lockDir(dir, 0)
	require.NoError(t, err)
	_, err = lockDir(dir, 0)
	require.ErrorIs(t, err, syscall.EWOULDBLOCK, "two that start at once")
	unlock()
	unlock, err = lockDir(dir, 0)
	require.NoError(t, err)
	unlock()
}
