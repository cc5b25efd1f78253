package netdev

import (
	"fmt"
	"math/bits"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/arc4tun/arc4tun/internal/segments"
)

// ownOffload says that the TUN's large segments are joined and taken apart here, and not by
// WireGuard's device: on processors of 32 bits that costs too much (package segments).
const ownOffload = bits.UintSize == 32

// offload is a TUN device whose packets have virtio headers. One goroutine may read while any
// number write: every session of a server does.
type offload struct {
	file   *os.File
	raw    syscall.RawConn
	name   string
	events chan tun.Event // none come
	closed sync.Once

	splitter segments.Splitter
	in       vectors
	read     func(fd uintptr) bool // reads into in
	n        int
	readErr  syscall.Errno

	writing  sync.Mutex // guards what follows
	joiner   segments.Joiner
	out      vectors
	write    func(fd uintptr) bool // writes what joiner has made, from next on
	made     int
	next     int
	written  int
	writeErr syscall.Errno // the first
}

// vectors are the parts of a packet for readv(2) and writev(2).
type vectors []unix.Iovec

func (v *vectors) set(parts [][]byte) {
	*v = (*v)[:0]
	for _, p := range parts {
		iov := unix.Iovec{Base: &p[0]}
		iov.SetLen(len(p))
		*v = append(*v, iov)
	}
}

// call has the kernel read or write the parts; the descriptor does not block.
func (v vectors) call(trap, fd uintptr) (int, syscall.Errno) {
	for {
		n, _, errno := unix.RawSyscall(trap, fd, uintptr(unsafe.Pointer(&v[0])), uintptr(len(v)))
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// newOffload makes a device of a descriptor that is attached to one, and returns its name. It asks
// for large TCP segments, and none of UDP, which package segments does not know.
func newOffload(fd int) (tun.Device, string, error) {
	ifr, err := unix.NewIfreq("")
	if err != nil {
		return nil, "", err
	}
	if err := unix.IoctlIfreq(fd, unix.TUNGETIFF, ifr); err != nil {
		return nil, "", fmt.Errorf("its name: %w", err)
	}
	if err := unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, unix.TUN_F_CSUM|unix.TUN_F_TSO4|unix.TUN_F_TSO6); err != nil {
		return nil, "", fmt.Errorf("segmentation offload: %w", err)
	}
	o := &offload{file: os.NewFile(uintptr(fd), cloneDevice), name: ifr.Name(), events: make(chan tun.Event)}
	// A file that was just made has a descriptor.
	o.raw, _ = o.file.SyscallConn()
	o.read = func(fd uintptr) (done bool) {
		o.n, o.readErr = o.in.call(unix.SYS_READV, fd)
		return o.readErr != unix.EAGAIN
	}
	o.write = func(fd uintptr) (done bool) {
		for ; o.next < o.made; o.next++ {
			o.out.set(o.joiner.Parts(o.next))
			n, errno := o.out.call(unix.SYS_WRITEV, fd)
			switch errno {
			case 0:
				o.written += n
			case unix.EAGAIN:
				return false
			default:
				if o.writeErr == 0 {
					o.writeErr = errno
				}
			}
		}
		return true
	}
	return o, o.name, nil
}

func (o *offload) File() *os.File           { return o.file }
func (o *offload) Name() (string, error)    { return o.name, nil }
func (o *offload) MTU() (int, error)        { return mtuRequest(o.name, unix.SIOCGIFMTU, 0) }
func (o *offload) BatchSize() int           { return conn.IdealBatchSize }
func (o *offload) Events() <-chan tun.Event { return o.events }

// Close ends a read that waits. A second call does nothing.
func (o *offload) Close() (err error) {
	o.closed.Do(func() {
		close(o.events)
		err = o.file.Close()
	})
	return err
}

// Read waits for a packet, and gives it in the parts that it is to be sent in: as tun.Device's.
func (o *offload) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	o.in.set(o.splitter.Parts(bufs, offset))
	if err := o.raw.Read(o.read); err != nil {
		return 0, os.ErrClosed
	}
	if o.readErr != 0 {
		return 0, o.failed("read", o.readErr)
	}
	n, err := o.splitter.Split(o.n, bufs, sizes, offset)
	if err == segments.ErrTooManySegments {
		err = tun.ErrTooManySegments
	}
	return n, err
}

// Write writes packets, joined where they follow each other: as tun.Device's. It changes the
// headers of those to which it joins others, and the bytes before them.
func (o *offload) Write(bufs [][]byte, offset int) (int, error) {
	o.writing.Lock()
	defer o.writing.Unlock()
	o.made, o.next, o.written, o.writeErr = o.joiner.Join(bufs, offset), 0, 0, 0
	err := o.raw.Write(o.write)
	o.joiner.Forget()
	switch {
	case err != nil:
		return o.written, os.ErrClosed
	case o.writeErr != 0:
		return o.written, o.failed("write", o.writeErr)
	}
	return o.written, nil
}

// failed is what the device's reader and writer are told: a device that was deleted is closed.
func (o *offload) failed(op string, errno syscall.Errno) error {
	if errno == unix.EBADFD {
		return os.ErrClosed
	}
	return &os.PathError{Op: op, Path: cloneDevice, Err: errno}
}
