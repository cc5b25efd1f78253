package netdev

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/tun"
)

const cloneDevice = "/dev/net/tun"

// CreateTUN creates the kernel TUN device name, with segmentation offload where the kernel
// has it, and returns it with the name the kernel gave it. A persistent TUN device of that
// name which nobody holds is taken over. Errors say what is wrong and what helps: no
// /dev/net/tun, no CAP_NET_ADMIN (errors.Is(err, fs.ErrPermission)), the name taken.
func CreateTUN(name string, mtu int) (Device, string, error) {
	if ownOffload {
		return createTUN(name, mtu, newOffload)
	}
	// Nobody asks for events of the link, so nothing has to listen for them. And what does reads
	// numbers at odd addresses, which not every MIPS system bears.
	return createTUN(name, mtu, tun.CreateUnmonitoredTUNFromFD)
}

// createTUN is CreateTUN with what makes a device of a descriptor, and tells its name.
func createTUN(name string, mtu int, fromFD func(fd int) (tun.Device, string, error)) (Device, string, error) {
	if err := ValidateName(name); err != nil {
		return nil, "", err
	}
	if err := validateMTU(mtu); err != nil {
		return nil, "", err
	}
	fd, err := unix.Open(cloneDevice, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, "", openError(name, err)
	}
	if err := attach(fd, name); err != nil {
		unix.Close(fd)
		return nil, "", attachError(name, err)
	}
	inner, realName, err := fromFD(fd)
	if err != nil {
		unix.Close(fd)
		return nil, "", fmt.Errorf("TUN device %q: %w", name, err)
	}
	if err := setMTU(realName, mtu); err != nil {
		inner.Close()
		return nil, "", fmt.Errorf("TUN device %q with MTU %d: %w", realName, mtu, err)
	}
	return newKernelDevice(inner), realName, nil
}

// attach binds the descriptor to the device and makes it fit for Go's poller, which must
// happen in this order and before an os.File is made of it.
func attach(fd int, name string) error {
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	// IFF_VNET_HDR brings TCP segmentation offload: up to 64 KiB a read or write.
	ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
		return err
	}
	return unix.SetNonblock(fd, true)
}

// setMTU gives a device its MTU.
func setMTU(name string, mtu int) error {
	_, err := mtuRequest(name, unix.SIOCSIFMTU, mtu)
	return err
}

// mtuRequest asks the kernel for a device's MTU or tells it one, by the ioctl, and returns it.
func mtuRequest(name string, request uint, mtu int) (int, error) {
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	ifr.SetUint32(uint32(mtu))
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	err = unix.IoctlIfreq(fd, request, ifr)
	return int(ifr.Uint32()), err
}

func openError(name string, err error) error {
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return fmt.Errorf("TUN device %q: %s is not there (%w): load the module with \"modprobe tun\", or give the container --device %s", name, cloneDevice, err, cloneDevice)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return fmt.Errorf("TUN device %q: may not open %s (%w): run as root or with CAP_NET_ADMIN, and let this user read and write %s", name, cloneDevice, err, cloneDevice)
	}
	return fmt.Errorf("TUN device %q: open %s: %w", name, cloneDevice, err)
}

func attachError(name string, err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("TUN device %q: not permitted (%w): run as root, or give the program CAP_NET_ADMIN (setcap cap_net_admin,cap_net_raw+ep)", name, err)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("TUN device %q is in use by another program (%w): choose another name, or %q for the first free one", name, err, DefaultName)
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EEXIST):
		return fmt.Errorf("TUN device name %q is taken by an interface of another kind (%w): choose another name, or %q for the first free one", name, err, DefaultName)
	}
	return fmt.Errorf("TUN device %q: %w", name, err)
}

// kernelDevice drains the inner device's events. Its listeners block once five events wait
// unread, and then never end; nothing here needs more than the latest few.
type kernelDevice struct {
	tun.Device
	raw     syscall.RawConn  // of the device's file; nil: none
	poll    func(fd uintptr) // sets ready
	ready   bool
	events  chan tun.Event
	drained chan struct{}
	closing atomic.Bool
	once    sync.Once
	err     error
}

func newKernelDevice(inner tun.Device) *kernelDevice {
	d := &kernelDevice{Device: inner, events: make(chan tun.Event, 8), drained: make(chan struct{})}
	if file := inner.File(); file != nil {
		// Without it nobody can ask whether packets wait, which costs speed alone.
		d.raw, _ = file.SyscallConn()
	}
	d.poll = func(fd uintptr) {
		fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds[:], 0)
		d.ready = err == nil && n == 1 && fds[0].Revents == unix.POLLIN
	}
	go d.drain()
	return d
}

func (d *kernelDevice) drain() {
	defer close(d.drained)
	defer close(d.events)
	for e := range d.Device.Events() {
		select {
		case d.events <- e:
		default: // nobody reads: an unread event is worth nothing later
		}
	}
}

// Events may be left unread.
func (d *kernelDevice) Events() <-chan tun.Event { return d.events }

// Read is the inner device's, which at its end may report that its own netlink listener has
// stopped: to the reader the device is closed.
func (d *kernelDevice) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	n, err := d.Device.Read(bufs, sizes, offset)
	switch {
	case err == nil:
	case d.closing.Load():
		err = os.ErrClosed
	case errors.Is(err, os.ErrClosed):
		err = ErrDeleted
	}
	return n, err
}

// JoinsInPlace reports whether Write needs no room behind a packet to join others to it.
func (d *kernelDevice) JoinsInPlace() bool {
	_, is := d.Device.(*offload)
	return is
}

// Waiting reports whether a read would give a packet at once. It is for the goroutine that reads.
func (d *kernelDevice) Waiting() bool {
	if d.raw == nil {
		return false
	}
	d.ready = false
	// A closed device has nothing.
	_ = d.raw.Control(d.poll)
	return d.ready
}

// Close removes the device and ends its goroutines; a second call returns the first's result.
func (d *kernelDevice) Close() error {
	d.once.Do(func() {
		d.closing.Store(true)
		d.err = d.Device.Close()
		<-d.drained
	})
	return d.err
}
