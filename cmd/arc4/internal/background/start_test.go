package background

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRemoveDeadSockets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	listen := func(name string) (*net.UnixConn, string) {
		path := filepath.Join(dir, name)
		conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		return conn, path
	}
	_, alive := listen("office-1.notify")
	closed, dead := listen("office-2.notify")
	require.NoError(t, closed.Close())
	require.FileExists(t, dead, "the kernel leaves the name of a socket")
	other, otherPath := listen("connect.sock")
	require.NoError(t, other.Close())

	removeDeadSockets(dir)

	assert.FileExists(t, alive)
	assert.NoFileExists(t, dead)
	assert.FileExists(t, otherPath, "a status socket is somebody else's business")
}
