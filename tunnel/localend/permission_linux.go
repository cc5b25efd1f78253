package localend

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Permitted reports what this process certainly lacks for a tunnel: a raw socket for GRE, the TUN
// device, or the capability to make one. It is asked before anything else is, so that nobody types
// a password or logs in for nothing.
func Permitted() error {
	err := mayMakeTUN()
	if err == nil {
		err = mayOpenGRE("cap_net_admin,cap_net_raw")
	}
	return err
}

// PermittedGRE is Permitted for a local end without a TUN device, such as netstack's.
func PermittedGRE() error { return mayOpenGRE("cap_net_raw") }

// mayOpenGRE opens a raw socket and closes it; capabilities are all that the tunnel takes. Errors
// but that of the permission show better where the real one is opened.
func mayOpenGRE(capabilities string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_GRE)
	switch {
	case err == nil:
		return unix.Close(fd)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("no raw socket for GRE can be opened, for this program lacks CAP_NET_RAW: run it as root, or setcap %s+ep %s; in a container --cap-add NET_RAW: %w", capabilities, programPath(), err)
	}
	return nil
}

// mayMakeTUN makes no device, which other programs would see.
func mayMakeTUN() error {
	f, err := os.OpenFile(cloneDevice, os.O_RDWR, 0)
	if err != nil {
		return explainClone(cloneDevice, err, err)
	}
	f.Close()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err == nil && data[0].Effective&(1<<unix.CAP_NET_ADMIN) == 0 {
		return explainClone(cloneDevice, nil, syscall.EPERM)
	}
	return nil
}
