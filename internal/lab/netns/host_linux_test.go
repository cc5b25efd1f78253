package netns_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	vishvananda "github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

// namespace is the calling thread's.
func namespace(t *testing.T) string {
	t.Helper()
	n, err := vishvananda.Get()
	require.NoError(t, err)
	defer n.Close()
	return n.UniqueId()
}

// TestHostsAreApart: every call is on the host's thread, in a namespace that no other thread is in.
func TestHostsAreApart(t *testing.T) {
	outside := namespace(t)
	a, b := labtest.NewHost(t, "first"), labtest.NewHost(t, "second")
	var seen []string
	threads := make(map[int]bool)
	for range 10 {
		for _, h := range []*labtest.Host{a, b} {
			h.Must(t, func() error {
				seen = append(seen, namespace(t))
				threads[unix.Gettid()] = true
				return nil
			})
		}
	}
	for i := range seen {
		assert.Equal(t, seen[i%2], seen[i])
	}
	assert.NotEqual(t, seen[0], seen[1])
	assert.NotContains(t, seen, outside)
	assert.Len(t, threads, 2)
	assert.Equal(t, outside, namespace(t))
	failure := errors.New("no")
	assert.Equal(t, failure, a.Do(func() error { return failure }))
}

// TestManyHosts: hosts can be made from everywhere at once.
func TestManyHosts(t *testing.T) {
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			h, err := netns.NewHost()
			if errors.Is(err, os.ErrPermission) {
				return
			}
			if assert.NoError(t, err) {
				assert.NoError(t, h.Do(func() error { return netns.AddAddress("lo", "192.0.2.1/32") }))
				h.Close()
			}
		})
	}
	all.Wait()
}

func TestLoopbackIsUp(t *testing.T) {
	h := labtest.NewHost(t, "host")
	h.Must(t, func() error {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close()
		c, err := net.Dial("tcp4", l.Addr().String())
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// TestProgramsEndWithTheHost, whatever they are about.
func TestProgramsEndWithTheHost(t *testing.T) {
	h, err := netns.NewHost()
	if err != nil {
		labtest.Skip(t, "no network namespace: %v", err)
	}
	cmd := exec.Command("sleep", "1000")
	require.NoError(t, h.Start(cmd))
	h.Close()
	require.ErrorContains(t, cmd.Wait(), "killed")
}

func TestEnter(t *testing.T) {
	outside := namespace(t)
	t.Run("inside", func(t *testing.T) {
		labtest.Enter(t)
		inside := namespace(t)
		assert.NotEqual(t, outside, inside)
		require.NoError(t, netns.AddAddress("lo", "192.0.2.1/32"))
		runtime.Gosched() // it stays on its thread
		assert.Equal(t, inside, namespace(t))
	})
	assert.Equal(t, outside, namespace(t))
}
