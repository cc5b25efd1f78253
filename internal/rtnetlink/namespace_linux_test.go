package rtnetlink_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netns"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/rtnetlink"
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
	for name, find := range map[string]func() (rtnetlink.Namespace, error){"/proc": rtnetlink.ThisNamespace, "a socket": rtnetlink.NamespaceOfSocket} {
		got, err := find()
		require.NoError(t, err, name)
		defer got.Close()
		require.True(t, got.Equal(rtnetlink.NamespaceOf(int(want))), "%v of %s, and /proc says %v", got, name, want)
		require.False(t, got.Equal(rtnetlink.NamespaceOf(int(before))), name)
	}
}
