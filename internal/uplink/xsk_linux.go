package uplink

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// xsk sends through an AF_XDP socket in copy mode. Frames lie in memory that the kernel knows (the
// UMEM); it copies each into a buffer of its own and hands that straight to the driver. It needs no
// XDP program, and what the link receives goes its usual way.
type xsk struct {
	queue int

	mu     sync.Mutex
	fd     int
	umem   []byte
	free   []uint32 // frames that may be written, the last used on top: the most likely to be in the cache
	tx     ring[unix.XDPDesc]
	done   ring[uint64] // the UMEM offsets of frames that were sent
	fill   ring[uint64] // for receiving; without it there is no binding
	broken int          // times in a row that the driver refused
}

const (
	frameSize     = 2048
	defaultFrames = 2048 // 4 MiB, of the 8 MiB that a user may lock as a rule
	minFrames     = 128
	maxQueues     = 16
	maxRefused    = 64
)

// openXSK binds a socket, of so many frames at most, to the first queue of a link that nobody else
// has. Queues are taken from the first on, for every link has that one.
func openXSK(link, most int) (*xsk, error) {
	var err error
	for frames := most; frames >= minFrames; frames /= 2 {
		var x *xsk
		if x, err = openXSKWith(link, frames); err == nil {
			return x, nil
		}
		// Too much memory locked already, by us or by a socket that was closed and is not gone yet.
		if !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.ENOMEM) {
			break
		}
	}
	return nil, err
}

func openXSKWith(link, frames int) (*xsk, error) {
	if !kernelHasXDP() {
		return nil, fmt.Errorf("AF_XDP socket: %w", unix.EAFNOSUPPORT)
	}
	fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("AF_XDP socket: %w", err)
	}
	x := &xsk{fd: fd}
	if err := x.setUp(frames); err != nil {
		x.close()
		return nil, err
	}
	if err := x.bind(link); err != nil {
		x.close()
		return nil, err
	}
	return x, nil
}

// kernelHasXDP reports whether AF_XDP is built in, which is the only way to have it. A socket of a
// family that the kernel does not have has it run modprobe(8) and wait for that. Where /proc does
// not say, a socket will.
func kernelHasXDP() bool {
	text, err := os.ReadFile("/proc/net/protocols")
	return err != nil || len(text) == 0 || listsXDP(text)
}

// listsXDP reports whether AF_XDP is in the text of /proc/net/protocols.
func listsXDP(text []byte) bool {
	return bytes.HasPrefix(text, []byte("XDP ")) || bytes.Contains(text, []byte("\nXDP "))
}

// setUp registers the memory and maps the rings.
func (x *xsk) setUp(frames int) error {
	var err error
	x.umem, err = unix.Mmap(-1, 0, frames*frameSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_POPULATE)
	if err != nil {
		return fmt.Errorf("memory for %d frames: %w", frames, err)
	}
	reg := unix.XDPUmemReg{Addr: uint64(uintptr(unsafe.Pointer(&x.umem[0]))), Len: uint64(len(x.umem)), Size: frameSize}
	if err := setsockopt(x.fd, unix.XDP_UMEM_REG, unsafe.Pointer(&reg), unsafe.Sizeof(reg)); err != nil {
		return fmt.Errorf("registering memory for %d frames: %w", frames, err)
	}
	for _, option := range []struct{ name, entries int }{
		{unix.XDP_UMEM_FILL_RING, 1}, {unix.XDP_UMEM_COMPLETION_RING, frames}, {unix.XDP_TX_RING, frames},
	} {
		if err := unix.SetsockoptInt(x.fd, unix.SOL_XDP, option.name, option.entries); err != nil {
			return fmt.Errorf("AF_XDP rings of %d frames: %w", frames, err)
		}
	}
	// All that is sent in one system call, where the kernel can (6.17); else it takes 32 packets a
	// call.
	_ = unix.SetsockoptInt(x.fd, unix.SOL_XDP, unix.XDP_MAX_TX_SKB_BUDGET, frames)
	// The kernel's copies count against the socket's buffer; what is refused for it is tried again.
	if unix.SetsockoptInt(x.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, frames*2*frameSize) != nil {
		_ = unix.SetsockoptInt(x.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, frames*2*frameSize)
	}
	x.free = make([]uint32, frames)
	for i := range x.free {
		x.free[i] = uint32(i)
	}
	return x.mapRings(frames)
}

func (x *xsk) mapRings(frames int) error {
	var off unix.XDPMmapOffsets
	size := uint32(unsafe.Sizeof(off))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(x.fd), unix.SOL_XDP, unix.XDP_MMAP_OFFSETS,
		uintptr(unsafe.Pointer(&off)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return fmt.Errorf("AF_XDP ring offsets: %w", errno)
	}
	if size != uint32(unsafe.Sizeof(off)) {
		return errors.New("AF_XDP ring offsets are in the form of a kernel before 5.4")
	}
	var err error
	if x.tx, err = mapRing[unix.XDPDesc](x.fd, unix.XDP_PGOFF_TX_RING, off.Tx, frames); err != nil {
		return fmt.Errorf("mapping the AF_XDP transmit ring: %w", err)
	}
	if x.done, err = mapRing[uint64](x.fd, unix.XDP_UMEM_PGOFF_COMPLETION_RING, off.Cr, frames); err != nil {
		return fmt.Errorf("mapping the AF_XDP completion ring: %w", err)
	}
	if x.fill, err = mapRing[uint64](x.fd, unix.XDP_UMEM_PGOFF_FILL_RING, off.Fr, 1); err != nil {
		return fmt.Errorf("mapping the AF_XDP fill ring: %w", err)
	}
	return nil
}

// bind takes the first free queue.
func (x *xsk) bind(link int) error {
	var err error
	for x.queue = range maxQueues {
		err = unix.Bind(x.fd, &unix.SockaddrXDP{Flags: unix.XDP_COPY, Ifindex: uint32(link), QueueID: uint32(x.queue)})
		if !errors.Is(err, unix.EBUSY) {
			break
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EINVAL) && x.queue > 0, errors.Is(err, unix.EBUSY):
		return fmt.Errorf("every queue of the link has an AF_XDP socket already: %w", unix.EBUSY)
	}
	return fmt.Errorf("binding an AF_XDP socket: %w", err)
}

func setsockopt(fd, name int, value unsafe.Pointer, size uintptr) error {
	_, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_XDP, uintptr(name), uintptr(value), size, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func (x *xsk) note() string { return fmt.Sprintf("queue %d", x.queue) }

func (x *xsk) close() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.fd < 0 {
		return
	}
	// The kernel keeps the pages until it has let go of the last frame, which may take a moment.
	_ = unix.Close(x.fd)
	x.fd = -1
	x.tx.unmap()
	x.done.unmap()
	x.fill.unmap()
	if x.umem != nil {
		_ = unix.Munmap(x.umem)
		x.umem = nil
	}
}

func (x *xsk) send(r *route, packets [][]byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.fd < 0 {
		return 0, errClosed
	}
	return x.sendWaiting(r, packets, &waiting{})
}

// sendWaiting is send with what it may wait for the link in all.
func (x *xsk) sendWaiting(r *route, packets [][]byte, wait *waiting) (int, error) {
	taken := 0
	for taken < len(packets) {
		x.reclaim()
		n := min(len(x.free), x.tx.room(), len(packets)-taken)
		if n == 0 {
			if err := x.kick(wait); err != nil {
				return taken, err
			}
			if x.reclaim(); min(len(x.free), x.tx.room()) == 0 && !wait.more() {
				return taken, errFull
			}
			continue
		}
		x.place(r, packets[taken:taken+n])
		taken += n
		if err := x.kick(wait); err != nil {
			return taken, err
		}
	}
	return taken, nil
}

// reclaim takes back the frames that were sent.
func (x *xsk) reclaim() {
	n := x.done.waiting()
	if n == 0 {
		return
	}
	from := atomic.LoadUint32(x.done.consumer)
	for i := range n {
		x.free = append(x.free, uint32(*x.done.at(from + i)/frameSize))
	}
	atomic.StoreUint32(x.done.consumer, from+n)
}

// place writes packets into frames and the frames into the ring, where there is room for all of
// them.
func (x *xsk) place(r *route, packets [][]byte) {
	at := atomic.LoadUint32(x.tx.producer)
	id := r.ids.Add(uint32(len(packets))) - uint32(len(packets))
	for i, p := range packets {
		frame := x.free[len(x.free)-1]
		x.free = x.free[:len(x.free)-1]
		b := x.umem[frame*frameSize : (frame+1)*frameSize]
		r.header.put(b, len(p), uint16(id)+uint16(i))
		n := copy(b[headerLen:], p)
		*x.tx.at(at + uint32(i)) = unix.XDPDesc{Addr: uint64(frame) * frameSize, Len: uint32(headerLen + n)}
	}
	atomic.StoreUint32(x.tx.producer, at+uint32(len(packets)))
}

// kick has the kernel send what is in the ring. What a full link leaves there after the wait goes
// with the next packets, or when the transmitter is tended.
func (x *xsk) kick(wait *waiting) error {
	for {
		left := x.tx.waiting()
		if left == 0 {
			return nil
		}
		_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(x.fd), 0, 0, unix.MSG_DONTWAIT, 0, 0)
		moved := x.tx.waiting() != left
		switch errno {
		case 0, unix.EINTR:
			x.broken = 0
		case unix.EAGAIN, unix.ENOBUFS:
			// It took as many as one call may take, or the link or the socket's buffer is full.
		case unix.EBUSY:
			// The driver dropped one, as it may.
			if x.broken++; x.broken == maxRefused {
				return fmt.Errorf("the link refuses packets: %w", errno)
			}
		default:
			return errno
		}
		if !moved && !wait.more() {
			return nil
		}
	}
}

func (x *xsk) tend() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.fd >= 0 {
		_ = x.kick(&waiting{sum: maxWait}) // who sends next sees the error; the follower has no time to wait
		x.reclaim()
	}
}
