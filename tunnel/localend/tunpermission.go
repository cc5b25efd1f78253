package localend

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// cloneDevice is what TUN devices are made with on Linux.
const cloneDevice = "/dev/net/tun"

// createTUN is netdev.CreateTUN; its errors tell what keeps this program from a device, and how it
// is started so that it gets one.
func createTUN(name string, mtu int) (netdev.Device, string, error) {
	dev, real, err := netdev.CreateTUN(name, mtu)
	if err != nil {
		return nil, "", explainTUN(cloneDevice, err)
	}
	return dev, real, nil
}

// explainTUN finds out which of several reasons an error has. clone is /dev/net/tun.
func explainTUN(clone string, err error) error {
	missing := errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.ENXIO)
	if !missing && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	f, openErr := os.OpenFile(clone, os.O_RDWR, 0)
	if openErr == nil {
		f.Close()
	}
	return explainClone(clone, openErr, err)
}

// explainClone explains an error by whether the clone device could be opened.
func explainClone(clone string, openErr, err error) error {
	switch {
	case errors.Is(openErr, fs.ErrNotExist), errors.Is(openErr, syscall.ENODEV), errors.Is(openErr, syscall.ENXIO):
		return &tunError{fmt.Sprintf(`no TUN device can be made, for %s is not there: load the module with "modprobe tun", or start the container with --device %s`, clone, clone), openErr}
	case errors.Is(openErr, syscall.EPERM):
		return &tunError{fmt.Sprintf("no TUN device can be made, for this container may not use %s: start it with --device %s", clone, clone), openErr}
	case errors.Is(openErr, fs.ErrPermission):
		mode := ""
		if info, statErr := os.Stat(clone); statErr == nil {
			mode = fmt.Sprintf(" (mode %04o)", info.Mode().Perm())
		}
		return &tunError{fmt.Sprintf("no TUN device can be made, for this user may not open %s%s, whatever capabilities the program has: run as root, or chmod 666 %s, as most systems have it: making devices takes CAP_NET_ADMIN besides", clone, mode, clone), openErr}
	case openErr == nil && errors.Is(err, fs.ErrPermission):
		return &tunError{fmt.Sprintf("no TUN device can be made, for this program lacks CAP_NET_ADMIN: run it as root, or setcap cap_net_admin,cap_net_raw+ep %s; in a container --cap-add NET_ADMIN", programPath()), err}
	}
	return err
}

// programPath is where this program is, for a remedy to copy.
func programPath() string {
	if path, err := os.Executable(); err == nil {
		return path
	}
	return os.Args[0]
}

// tunError has a text of its own instead of its cause's, which names the pattern of the device's
// name.
type tunError struct {
	text  string
	cause error
}

func (e *tunError) Error() string { return e.text }
func (e *tunError) Unwrap() error { return e.cause }
