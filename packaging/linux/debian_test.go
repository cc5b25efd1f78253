//go:build packages

package linux

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// job.service runs guest/job.sh when systemd has started, and turns the machine off.
const (
	jobUnit = `[Unit]
DefaultDependencies=no
After=basic.target dbus.socket
Requires=basic.target
[Service]
Type=oneshot
ExecStart=/bin/bash /root/job.sh
StandardOutput=file:/root/log
StandardError=inherit
ExecStopPost=/bin/systemctl poweroff --force --no-block
`
	jobTarget = `[Unit]
Requires=job.service
After=job.service
AllowIsolate=yes
`
)

// TestDebian installs the package on a Debian whose PID 1 is systemd, in user-mode Linux, uses it,
// upgrades it, removes it, and looks for what is left.
func TestDebian(t *testing.T) {
	if os.Getuid() != 0 || runtime.GOARCH != "amd64" {
		labtest.Skip(t, "user-mode Linux with a Debian takes root, and amd64")
	}
	for _, name := range []string{"linux.uml", "systemd-analyze", "dbus-daemon", "kmod", "ip", "ping"} {
		tool(t, name)
	}
	system := filepath.Join(t.TempDir(), "debian")
	args := []string{"guest/debian.sh", system}
	if os.Getenv("ARC4_LONG_TESTS") == "" {
		args = append(args, "--copied") // a fresh one takes half a minute and a package server
	}
	output(t, "sh", args...)
	for path, text := range map[string]string{"job.service": jobUnit, "job.target": jobTarget} {
		require.NoError(t, os.WriteFile(filepath.Join(system, "etc/systemd/system", path), []byte(text), 0o644))
	}
	put(t, "guest/job.sh", filepath.Join(system, "root/job.sh"))
	put(t, ours(t, "deb"), filepath.Join(system, "root/arc4.deb"))
	put(t, newer(t), filepath.Join(system, "root/newer.deb"))
	require.NoError(t, os.CopyFS(filepath.Join(system, "usr/lib/modules"), os.DirFS("/usr/lib/uml/modules")))

	log := boot(t, system)
	checks := 0
	for line := range strings.Lines(log) {
		verdict, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if verdict == "PASS" || verdict == "FAIL" {
			checks++
			t.Run(name, func(t *testing.T) { assert.Equal(t, "PASS", verdict, name) })
		}
	}
	assert.Equal(t, strings.Count(document(t, "guest/job.sh"), "\ncheck "), checks, "checks\n%s", log)
	if !strings.HasSuffix(log, "END\n") || t.Failed() {
		t.Errorf("the guest says:\n%s", log)
	}
}

// document is the text of a file.
func document(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// put copies a file.
func put(t *testing.T, from, to string) {
	t.Helper()
	require.NoError(t, os.WriteFile(to, []byte(document(t, from)), 0o644))
}

// newer is a package of a later version with the same program.
func newer(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "arc4")
	output(t, "sh", "-c", `dpkg-deb --fsys-tarfile "$0" | tar -xO ./usr/bin/arc4 >"$1" && chmod 755 "$1"`, ours(t, "deb"), program)
	all, err := pack("-version", "v99.0.0", "-out", dir, "-program", program, "-arch", "amd64", "-format", "deb")
	require.NoError(t, err)
	return all["deb"][0]
}

// boot starts a guest with the system as its root, waits until it is off, and returns what the job
// has written.
func boot(t *testing.T, system string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	dir := t.TempDir()
	cmd := exec.CommandContext(ctx, "linux.uml", "mem=512M", "root=/dev/root", "rootfstype=hostfs", "rootflags="+system, "rw",
		"init=/lib/systemd/systemd", "systemd.unit=job.target", "systemd.show_status=0", "uml_dir="+dir+"/", "umid=guest",
		"quiet", "loglevel=1", "panic=-1", "con=null", "con0=null,fd:1")
	// Every process of the guest is one of ours: they end together.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	console, err := cmd.CombinedOutput()
	text, readErr := os.ReadFile(filepath.Join(system, "root/log"))
	if ctx.Err() != nil || readErr != nil {
		t.Fatalf("the guest did not end by itself (%v, %v):\n%s\n%s", err, ctx.Err(), text, console)
	}
	return string(text)
}
