//go:build linux && !nodns

package nameservice

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// mountOver has the calling thread see a file in the place of another, as ip-netns(8) does it with
// /etc/netns/NAME/resolv.conf.
func mountOver(path, file string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	return unix.Mount(file, path, "", unix.MS_BIND, "")
}

// TestNamespaceWithItsFile: the records and the folder of resolv.conf are those of all namespaces,
// but not what is asked.
func TestNamespaceWithItsFile(t *testing.T) {
	const own = "nameserver 203.0.113.53\n"
	outside := room(t)
	outside.lookEvery = time.Hour
	outside.put(t, before)
	file := filepath.Join(t.TempDir(), "resolv.conf")
	require.NoError(t, os.WriteFile(file, []byte(own), 0o644))
	content := func() string {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		return string(text)
	}
	quiet := slog.New(slog.DiscardHandler)
	h := labtest.NewHost(t, "namespace")
	var mounted string
	err := h.Do(func() error {
		err := mountOver(outside.resolvConf, file)
		mounted = mountedAt(outside.resolvConf)
		return err
	})
	if err != nil || mounted == "" {
		labtest.Skip(t, "no mounts of one's own here, or the kernel does not tell of them: %v", err)
	}
	var inside *Service
	set := func() error {
		inside = outside.own().tunnel()
		return inside.Set(t.Context(), through(true, "10.0.0.53"))
	}
	h.Must(t, set)
	assert.Contains(t, content(), "nameserver 10.0.0.53\n")
	require.NoError(t, outside.own().sweep(quiet))
	assert.Equal(t, before, outside.content(t), "what is asked in there is not reached from here")
	h.Must(t, inside.Restore)
	assert.Equal(t, own, content())
	outside.clean(t)

	h.Must(t, set)
	s := outside.own().tunnel()
	require.NoError(t, s.Set(t.Context(), through(true, "10.0.0.54")))
	assert.NotContains(t, outside.content(t), "10.0.0.53")
	assert.NotContains(t, content(), "10.0.0.54")
	require.NoError(t, s.Restore())
	assert.Equal(t, before, outside.content(t))
	// The kernel has unmounted what was mounted over the file that has been replaced.
	h.Must(t, inside.Restore)
	assert.Equal(t, before, outside.content(t))
	h.Must(t, func() error {
		if err := mountOver(outside.resolvConf, file); err != nil {
			return err
		}
		return outside.own().sweep(quiet)
	})
	assert.Equal(t, own, content())
	outside.clean(t)
}

// TestNamespaceWithoutItsFile: what is said there is said to all, who do not reach it.
func TestNamespaceWithoutItsFile(t *testing.T) {
	p := room(t)
	p.put(t, before)
	p.init = fmt.Sprintf("/proc/%d", os.Getppid()) // which is where this process began
	h := labtest.NewHost(t, "namespace")
	var err error
	h.Must(t, func() error {
		err = p.tunnel().Set(t.Context(), through(true, "10.0.0.53"))
		return nil
	})
	require.ErrorContains(t, err, "/etc/netns/NAME/resolv.conf")
	assert.Equal(t, before, p.content(t))
	s := p.tunnel()
	require.NoError(t, s.Set(t.Context(), through(true, "10.0.0.53")), "in the namespace where it belongs")
	require.NoError(t, s.Restore())
	p.clean(t)
}
