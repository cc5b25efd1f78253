//go:build packages

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// containEnv says, in the environment of this test's program, that it is to become a container:
// its root, who it runs as and the capabilities that it may have at most, as "ROOT UID CAP,CAP".
const containEnv = "TEST_CONTAIN"

func init() {
	if how := os.Getenv(containEnv); how != "" {
		fmt.Fprintln(os.Stderr, contain(strings.Fields(how)))
		os.Exit(125)
	}
}

// contain does what a container's runtime does last: it enters the root, gives up every capability
// but the named ones for good, and executes the program as the user.
func contain(how []string) error {
	runtime.LockOSThread()
	if err := errors.Join(unix.Chroot(how[0]), unix.Chdir("/")); err != nil {
		return err
	}
	for c := range uintptr(unix.CAP_LAST_CAP + 1) {
		if strings.Contains(","+how[2]+",", ","+strconv.Itoa(int(c))+",") {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
			return err
		}
	}
	user, err := strconv.Atoi(how[1])
	if err != nil {
		return err
	}
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(user), syscall.Setuid(user)); err != nil {
		return err
	}
	os.Unsetenv(containEnv)
	return syscall.Exec("/usr/bin/arc4", os.Args, os.Environ())
}

// container is the image, unpacked on a machine.
type container struct {
	*machine
	root, user string
	start      []string // ENTRYPOINT and CMD
	healthy    []string // HEALTHCHECK, without CMD
}

// makeImage makes the image of the program as it is, and gives its file.
func makeImage(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "arc4")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	pack := exec.Command("go", "run", "-C", "../../packaging/pack", "./image", "-version", "v1.2.3", "-out", dir, "-program", program)
	out, err = pack.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return filepath.Join(dir, "arc4-v1.2.3-amd64.tar")
}

// unpack has tar unpack the image on a machine, with the attributes of files, and mounts what a
// runtime mounts. The root cannot be written to; /tmp can, and is all that can.
func (m *machine) unpack(t *testing.T, image string) *container {
	t.Helper()
	work, err := os.MkdirTemp("", "arc4-container")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(work) })
	require.NoError(t, os.Chmod(work, 0o755))
	layout, root := filepath.Join(work, "layout"), filepath.Join(work, "root")
	require.NoError(t, errors.Join(os.Mkdir(layout, 0o755), os.Mkdir(root, 0o755)))
	shell := func(line string, args ...string) {
		t.Helper()
		out, err := exec.Command("sh", append([]string{"-ec", line, "sh"}, args...)...).CombinedOutput()
		require.NoError(t, err, "%s: %s", line, out)
	}
	shell(`tar -xf "$1" -C "$2"`, image, layout)
	read := func(name string, to any) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(layout, name))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, to))
	}
	var images []struct {
		Config string
		Layers []string
	}
	read("manifest.json", &images)
	require.Len(t, images, 1)
	var says struct {
		Config struct {
			User            string
			Entrypoint, Cmd []string
			Healthcheck     struct{ Test []string }
		}
	}
	read(images[0].Config, &says)
	for _, l := range images[0].Layers {
		shell(`tar --xattrs --xattrs-include='security.*' -xpf "$1" -C "$2"`, filepath.Join(layout, l), root)
	}
	m.Must(t, func() error {
		for _, dir := range []string{"dev", "proc"} {
			if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
				return err
			}
		}
		dev := filepath.Join(root, "dev")
		return errors.Join(
			unix.Mount(root, root, "", unix.MS_BIND, ""),
			unix.Mount("", root, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""),
			unix.Mount("proc", filepath.Join(root, "proc"), "proc", 0, ""),
			unix.Mount("tmp", filepath.Join(root, "tmp"), "tmpfs", 0, "mode=1777"),
			unix.Mount("dev", dev, "tmpfs", 0, "mode=755"),
			os.Mkdir(filepath.Join(dev, "net"), 0o755),
			unix.Mknod(filepath.Join(dev, "net/tun"), unix.S_IFCHR|0o666, int(unix.Mkdev(10, 200))),
			unix.Chmod(filepath.Join(dev, "net/tun"), 0o666))
	})
	t.Cleanup(func() {
		_ = m.Do(func() error { return unix.Unmount(root, unix.MNT_DETACH) })
	})
	require.Equal(t, "CMD", says.Config.Healthcheck.Test[0])
	user, _, _ := strings.Cut(says.Config.User, ":")
	return &container{m, root, user, append(says.Config.Entrypoint, says.Config.Cmd...), says.Config.Healthcheck.Test[1:]}
}

// command is one in the container, with so many capabilities at most. It is the first process
// there, if it is to be.
func (c *container) command(t *testing.T, first bool, capabilities string, environment, args []string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := &exec.Cmd{Path: self, Args: args, SysProcAttr: new(syscall.SysProcAttr)}
	cmd.Env = append([]string{"PATH=/usr/bin", fmt.Sprintf("%s=%s %s %s", containEnv, c.root, c.user, capabilities)}, environment...)
	if first {
		cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWPID
	}
	return cmd
}

// TestE2EImage runs the image as a container's runtime does: by what its configuration says, set by
// the environment alone, on a root that is read only, as its user, with no capability but those
// that are given to it.
func TestE2EImage(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the image is for amd64")
	}
	image := makeImage(t)
	environment := []string{"ARC4_SERVER=" + serverFar, "ARC4_USER=alice", "ARC4_PASSWORD=wonderland"}
	raw, both := strconv.Itoa(unix.CAP_NET_RAW), fmt.Sprintf("%d,%d", unix.CAP_NET_RAW, unix.CAP_NET_ADMIN)
	t.Run("a device", func(t *testing.T) {
		t.Parallel()
		l := newTestbed(t)
		before := l.client.snapshot(t)
		c := l.client.unpack(t, image)
		l.serve(t, "--listen", serverFar)
		client := l.client.run(t, c.command(t, true, both, environment, c.start)).up(t)
		l.client.ping(t, serverInner, 1400)
		healthy := l.client.run(t, c.command(t, false, "none", nil, c.healthy))
		assert.Equal(t, exit.OK, healthy.wait(t), "while it is up: %s", healthy.stderr.String())
		client.stop(t, syscall.SIGTERM)
		down := l.client.run(t, c.command(t, false, "none", nil, c.healthy))
		assert.Equal(t, exit.Down, down.wait(t), "when it has ended")
		l.server.noSessions(t)
		assert.Equal(t, before, l.client.snapshot(t))
	})
	t.Run("a device without CAP_NET_ADMIN", func(t *testing.T) {
		t.Parallel()
		l := newTestbed(t)
		c := l.client.unpack(t, image)
		client := l.client.run(t, c.command(t, true, raw, environment, c.start))
		assert.Contains(t, client.fails(t, exit.Permission), "lacks CAP_NET_ADMIN")
	})
}
