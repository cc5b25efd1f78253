//go:build packages

package linux

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// TestNetworkManagerContents: the plugin's package has what NetworkManager and D-Bus look for, and
// its program is arc4's.
func TestNetworkManagerContents(t *testing.T) {
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			tool(t, f.list[0])
			list := output(t, f.list[0], append(f.list[1:], ours(t, forNetworkManager+f.name))...)
			for _, want := range []string{
				"usr/lib/NetworkManager/VPN/nm-pptp-service.name\n",
				"usr/lib/NetworkManager/nm-arc4-service -> ../../bin/arc4\n",
				"usr/lib/NetworkManager/nm-arc4-auth-dialog -> ../../bin/arc4\n",
				"usr/share/dbus-1/system.d/nm-arc4-service.conf\n",
			} {
				assert.Contains(t, list, want)
			}
			assert.NotContains(t, list, "/usr/bin/", "which is another package's")
		})
	}
}

// TestNetworkManagerDiversion: on Debian, network-manager-pptp may be there before, and come later:
// arc4 is what NetworkManager starts, until the package goes.
func TestNetworkManagerDiversion(t *testing.T) {
	tool(t, "dpkg-deb")
	if os.Getuid() != 0 {
		labtest.Skip(t, "dpkg takes root")
	}
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "var/lib/dpkg/info"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "var/lib/dpkg/updates"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), nil, 0o644))
	dpkg := func(args ...string) {
		t.Helper()
		output(t, "dpkg", append([]string{"--root=" + root, "--force-script-chrootless", "--force-depends", "--log=/dev/null"}, args...)...)
	}
	const name = "usr/lib/NetworkManager/VPN/nm-pptp-service.name"
	starts := func(program string) {
		t.Helper()
		text := document(t, filepath.Join(root, name))
		assert.Contains(t, text, "program="+program+"\n")
	}
	theirs := pptpPlugin(t, name)
	dpkg("-i", theirs)
	dpkg("-i", ours(t, forNetworkManager+"deb"))
	starts("/usr/lib/NetworkManager/nm-arc4-service")
	dpkg("-i", theirs)
	starts("/usr/lib/NetworkManager/nm-arc4-service")
	dpkg("-r", "network-manager-arc4")
	starts("/usr/lib/NetworkManager/nm-pptp-service")
	left, err := os.ReadFile(filepath.Join(root, "var/lib/dpkg/diversions"))
	require.NoError(t, err)
	assert.NotContains(t, string(left), "network-manager-arc4")
}

// pptpPlugin is a package with the one file of network-manager-pptp's that is ours too.
func pptpPlugin(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	for path, text := range map[string]string{
		"DEBIAN/control": "Package: network-manager-pptp\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.net>\nDescription: a stand-in\n",
		name:             "[VPN Connection]\nprogram=/usr/lib/NetworkManager/nm-pptp-service\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(path)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644))
	}
	out := output(t, "dpkg-deb", "--root-owner-group", "--build", dir)
	require.True(t, strings.Contains(out, "building package"), out)
	return dir + ".deb"
}
