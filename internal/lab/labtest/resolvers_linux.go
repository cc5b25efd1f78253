package labtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// unpacked is where tools/unpack-packages.sh puts packages.
const unpacked = "/var/lib/arc4-test"

// Unpacked is the folder with an unpacked package, for OwnFiles; without it the test is skipped.
func Unpacked(t testing.TB, name string) string {
	t.Helper()
	folder := filepath.Join(unpacked, name)
	if _, err := os.Stat(folder); err != nil {
		Skip(t, "no %s, which tools/install-test-tools.sh unpacks: %v", name, err)
	}
	return folder
}

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow eavesdrop="true"/></policy>
</busconfig>
`

// StartResolved starts systemd-resolved and a D-Bus on a host that has files of its own, with the
// unpacked package over them, and has its programs ask it. It may take a moment until it answers.
func StartResolved(t testing.TB, h *Host) {
	t.Helper()
	if _, err := exec.LookPath("dbus-daemon"); err != nil {
		Skip(t, "no dbus-daemon, which tools/install-test-tools.sh installs: %v", err)
	}
	h.Must(t, func() error {
		for _, dir := range []string{"/run/dbus", "/run/systemd/resolve"} {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
		}
		if err := os.WriteFile("/run/dbus/test.conf", []byte(busConfig), 0o644); err != nil {
			return err
		}
		for file, line := range map[string]string{"/etc/passwd": "systemd-resolve:x:990:990::/:/usr/sbin/nologin\n", "/etc/group": "systemd-resolve:x:990:\n"} {
			if err := addLine(file, line); err != nil {
				return err
			}
		}
		if err := os.Remove("/etc/resolv.conf"); err != nil && !os.IsNotExist(err) {
			return err
		}
		return os.Symlink("../run/systemd/resolve/stub-resolv.conf", "/etc/resolv.conf")
	})
	chown := exec.Command("chown", "systemd-resolve:", "/run/systemd/resolve")
	require.NoError(t, h.Start(chown))
	require.NoError(t, chown.Wait())
	h.startUntilTheEnd(t, exec.Command("dbus-daemon", "--config-file=/run/dbus/test.conf", "--nofork", "--nopidfile"))
	h.startUntilTheEnd(t, exec.Command("/usr/lib/systemd/systemd-resolved"))
}

// addLine adds a line unless one begins with the same word.
func addLine(file, line string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	name, _, _ := strings.Cut(line, ":")
	if strings.Contains("\n"+string(content), "\n"+name+":") {
		return nil
	}
	return os.WriteFile(file, append(content, line...), 0o644)
}

// startUntilTheEnd runs a program on the host until the test ends, and shows what it wrote if that
// fails.
func (h *Host) startUntilTheEnd(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	require.NoError(t, h.Start(cmd), cmd)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%v:\n%s", cmd, said.String())
		}
	})
}
