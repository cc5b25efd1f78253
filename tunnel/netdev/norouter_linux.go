package netdev

import (
	"bytes"
	"os"
	"path/filepath"
)

// noRouter has the kernel take no Router Advertisement and no redirect from the other end of the
// device, neither of which a tunnel's peer has agreed to send: they would give this machine routes
// and addresses. Where these settings cannot be written (a container's /proc is read-only) the
// tunnel's own filter keeps such messages away.
func (c *changer) noRouter() error {
	for _, setting := range []struct{ family, name string }{
		{"ipv6", "accept_ra"}, {"ipv6", "accept_redirects"}, {"ipv4", "accept_redirects"},
	} {
		path := filepath.Join("/proc/sys/net", setting.family, "conf", c.settings.Device, setting.name)
		before, err := os.ReadFile(path)
		if err != nil || bytes.Equal(before, []byte("0\n")) || os.WriteFile(path, []byte("0"), 0) != nil {
			continue
		}
		c.did(stepOther, path, func() error {
			_ = os.WriteFile(path, before, 0) // gone with the device, most likely
			return nil
		})
	}
	return nil
}
