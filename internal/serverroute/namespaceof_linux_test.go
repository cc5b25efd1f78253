package serverroute

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netns"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// TestNamespaceWithoutProc: a socket names the same network namespace as /proc does.
func TestNamespaceWithoutProc(t *testing.T) {
	before, err := netns.Get()
	require.NoError(t, err)
	defer before.Close()
	labtest.Enter(t)
	want, err := netns.Get()
	require.NoError(t, err)
	defer want.Close()
	got, err := namespaceOfSocket()
	require.NoError(t, err)
	defer got.Close()
	require.True(t, got.Equal(want), "%v, and /proc says %v", got, want)
	require.False(t, got.Equal(before))
}
