package labtest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

// Host is a host that ends with its test.
type Host struct {
	*netns.Host
	name string
}

// NewHost makes a host, whose name is for messages.
func NewHost(t testing.TB, name string) *Host {
	t.Helper()
	h, err := netns.NewHost()
	if err != nil {
		Skip(t, "no network namespace (root may make them): %v", err)
	}
	t.Cleanup(h.Close)
	return &Host{Host: h, name: name}
}

// Must runs f on the host's thread, where it has to succeed.
func (h *Host) Must(t testing.TB, f func() error) {
	t.Helper()
	require.NoError(t, h.Do(f), "on the %s", h.name)
}

// Enter moves the test into a network namespace of its own, with its thread, until the test ends.
// Neither a parallel test nor the runtime sees the namespace.
func Enter(t testing.TB) {
	t.Helper()
	leave, err := netns.Enter()
	if err != nil {
		Skip(t, "no network namespace (root may make them): %v", err)
	}
	t.Cleanup(func() {
		if err := leave(); err != nil {
			t.Error(err)
		}
	})
}
