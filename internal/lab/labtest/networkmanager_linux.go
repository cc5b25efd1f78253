package labtest

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// systemBus is a system's bus as D-Bus itself sets it up: nobody owns a name or is called whom no
// policy allows it.
const systemBus = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Introspectable"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
  </policy>
POLICIES</busconfig>
`

// StartSystemBus starts one on a host that has files of its own, with the policies of these files.
func StartSystemBus(t testing.TB, h *Host, policies ...string) {
	t.Helper()
	if _, err := exec.LookPath("dbus-daemon"); err != nil {
		Skip(t, "no dbus-daemon, which tools/install-test-tools.sh installs: %v", err)
	}
	var includes strings.Builder
	for _, p := range policies {
		includes.WriteString("  <include>" + p + "</include>\n")
	}
	h.Must(t, func() error {
		if err := os.MkdirAll("/run/dbus", 0o755); err != nil {
			return err
		}
		return os.WriteFile("/run/dbus/system.conf", []byte(strings.Replace(systemBus, "POLICIES", includes.String(), 1)), 0o644)
	})
	h.startUntilTheEnd(t, exec.Command("dbus-daemon", "--config-file=/run/dbus/system.conf", "--nofork", "--nopidfile"))
}

// ForNetworkManager prepares a host that has files of its own, with the unpacked package over them,
// for a NetworkManager that is started there, and starts a system's bus with its policy and others.
// The host's /sys and /var/lib are its own, too.
func ForNetworkManager(t testing.TB, h *Host, policies ...string) {
	t.Helper()
	h.Must(t, func() error {
		// Where it cannot write to /sys, as in a container, NetworkManager waits for no udev.
		if err := unix.Mount("sysfs", "/sys", "sysfs", unix.MS_RDONLY, ""); err != nil {
			return err
		}
		return unix.Mount("tmpfs", "/var/lib", "tmpfs", 0, "mode=755")
	})
	StartSystemBus(t, h, append([]string{"/usr/share/dbus-1/system.d/org.freedesktop.NetworkManager.conf"}, policies...)...)
}
