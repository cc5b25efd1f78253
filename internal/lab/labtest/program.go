package labtest

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// WriteProgram writes a file that can be run at once. A process that another test forks meanwhile
// would hold it open for writing until its exec, and whoever ran it would hear that the text file
// is busy (https://go.dev/issue/22315).
func WriteProgram(t testing.TB, path string, content []byte) {
	t.Helper()
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, content, 0o755)
	syscall.ForkLock.RUnlock()
	require.NoError(t, err)
	require.NoError(t, os.Chmod(path, 0o755)) // whatever the umask
}
