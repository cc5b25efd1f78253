// Package openwrt holds what is packed for OpenWrt to what OpenWrt's programs expect: the scripts
// run under busybox, in a root of their own, with doubles of netifd's, procd's and UCI's functions.
package openwrt

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// applets are busybox's that the scripts call, with those that a router has.
var applets = []string{"ash", "sh", "cat", "chmod", "env", "grep", "ls", "mkdir", "mv", "printf", "rm", "sed", "true"}

// root is the file system of a router.
type root struct {
	t    *testing.T
	path string
}

// newRoot has what the package installs, and doubles of OpenWrt's own.
func newRoot(t *testing.T) *root {
	t.Helper()
	if os.Getuid() != 0 {
		labtest.Skip(t, "a root of its own needs the rights of root")
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		labtest.Skip(t, "busybox is not there: %v", err)
	}
	r := &root{t: t, path: t.TempDir()}
	syscall.ForkLock.RLock() // as labtest.WriteProgram does
	err = os.CopyFS(r.path, os.DirFS("testdata/root"))
	syscall.ForkLock.RUnlock()
	require.NoError(t, err)
	program, err := os.ReadFile(busybox)
	require.NoError(t, err)
	r.write("bin/busybox", string(program), 0o755)
	for _, name := range applets {
		require.NoError(t, os.Symlink("busybox", filepath.Join(r.path, "bin", name)))
	}
	for _, name := range []string{"data", "dev", "tmp", "var/run"} {
		require.NoError(t, os.MkdirAll(filepath.Join(r.path, name), 0o755))
	}
	require.NoError(t, syscall.Mknod(filepath.Join(r.path, "dev/null"), syscall.S_IFCHR|0o666, 1<<8|3))
	r.write("usr/sbin/arc4", "", 0o755)
	for _, f := range installed {
		text, err := os.ReadFile(filepath.Join("arc4/files", f.source))
		require.NoError(t, err)
		r.write(f.path, string(text), f.mode)
	}
	return r
}

// file is one that the package installs, from arc4/files.
type file struct {
	source, path string
	mode         os.FileMode
}

// installed is what the package arc4 consists of beside the program, usr/sbin/arc4.
var installed = []file{
	{"arc4.sh", "lib/netifd/proto/arc4.sh", 0o755},
	{"arc4-up", "lib/netifd/arc4-up", 0o755},
	{"arc4-down", "lib/netifd/arc4-down", 0o755},
	{"arc4.init", "etc/init.d/arc4", 0o755},
	{"arc4.config", "etc/config/arc4", 0o600},
	{"arc4.defaults", "etc/uci-defaults/50-arc4", 0o755},
	{"arc4.upgrade", "lib/upgrade/keep.d/arc4", 0o644},
}

func (r *root) write(path, text string, mode os.FileMode) {
	r.t.Helper()
	whole := filepath.Join(r.path, path)
	require.NoError(r.t, os.MkdirAll(filepath.Dir(whole), 0o755))
	labtest.WriteProgram(r.t, whole, []byte(text)) // many of them are
	require.NoError(r.t, os.Chmod(whole, mode))
}

// read gives a file of the root, or "" if there is none.
func (r *root) read(path string) string {
	b, err := os.ReadFile(filepath.Join(r.path, path))
	if err != nil {
		return ""
	}
	return string(b)
}

// mode gives the permissions of a file or folder of the root.
func (r *root) mode(path string) os.FileMode {
	r.t.Helper()
	info, err := os.Stat(filepath.Join(r.path, path))
	require.NoError(r.t, err)
	return info.Mode().Perm()
}

// option sets one of an interface's options, or another value that a double gives.
func (r *root) option(name, value string) { r.write("data/"+name, value, 0o600) }

// run runs a command in the root, from one of its folders, and gives what it noted, its exit code
// and what it wrote.
func (r *root) run(folder string, env []string, argv ...string) (record []string, code int, output string) {
	r.t.Helper()
	_ = os.Remove(filepath.Join(r.path, "record"))
	cmd := &exec.Cmd{
		Path: argv[0], Args: argv, Dir: folder, Env: append([]string{"PATH=/bin:/usr/sbin"}, env...), SysProcAttr: &syscall.SysProcAttr{Chroot: r.path},
	}
	b, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		require.NoError(r.t, err)
	}
	if text := strings.TrimSpace(r.read("record")); text != "" {
		record = strings.Split(text, "\n")
	}
	return record, cmd.ProcessState.ExitCode(), string(b)
}

// noted writes a call as the doubles note it.
func noted(words ...string) string {
	line := words[0]
	for _, w := range words[1:] {
		line += fmt.Sprintf(" [%s]", w)
	}
	return line
}
