package uplink

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// afpacket sends through an AF_PACKET socket that bypasses the queueing discipline. It receives
// nothing.
type afpacket struct {
	mu   sync.RWMutex // held for reading while fd is in use
	fd   int
	free sync.Pool // of *frames
}

// maxBatch is the number of packets in one system call; the gain is flat from 32 on.
const maxBatch = 128

// message is struct mmsghdr of sendmmsg(2); Go pads it as C does.
type message struct {
	hdr    unix.Msghdr
	length uint32
}

// frames are the arrays of one sendmmsg: each packet is gathered from its header here and from
// where it lies.
type frames struct {
	headers [maxBatch][headerLen]byte
	iovs    [maxBatch][2]unix.Iovec
	msgs    [maxBatch]message
}

func newFrames() any {
	f := new(frames)
	for i := range f.msgs {
		f.iovs[i][0].Base = &f.headers[i][0]
		f.iovs[i][0].SetLen(headerLen)
		f.msgs[i].hdr.Iov = &f.iovs[i][0]
		f.msgs[i].hdr.SetIovlen(2)
	}
	return f
}

// openPacket makes a socket bound to a link and to no protocol.
func openPacket(link int) (*afpacket, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("AF_PACKET socket: %w", err)
	}
	err = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: link})
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("AF_PACKET socket: %w", err)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, packetBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, packetBuffer)
	}
	p := &afpacket{fd: fd}
	p.free.New = newFrames
	return p, nil
}

const packetBuffer = 4 << 20 // bytes

func (a *afpacket) note() string { return "" }
func (a *afpacket) tend()        {}

func (a *afpacket) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fd >= 0 {
		_ = unix.Close(a.fd)
		a.fd = -1
	}
}

func (a *afpacket) send(r *route, packets [][]byte) (int, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.fd < 0 {
		return 0, errClosed
	}
	f := a.free.Get().(*frames)
	defer a.free.Put(f)
	taken := 0
	for taken < len(packets) {
		n, err := a.sendBatch(f, r, packets[taken:min(len(packets), taken+maxBatch)])
		taken += n
		if err != nil {
			return taken, err
		}
	}
	return taken, nil
}

// sendBatch sends maxBatch packets at most.
func (a *afpacket) sendBatch(f *frames, r *route, packets [][]byte) (int, error) {
	id := r.ids.Add(uint32(len(packets))) - uint32(len(packets))
	for i, p := range packets {
		r.header.put(f.headers[i][:], len(p), uint16(id)+uint16(i))
		f.iovs[i][1].Base = &p[0]
		f.iovs[i][1].SetLen(len(p))
	}
	defer func() {
		for i := range packets {
			f.iovs[i][1].Base = nil
		}
	}()
	var wait waiting
	for taken := 0; ; {
		n, errno := sendmmsg(a.fd, f.msgs[taken:len(packets)])
		taken += n
		switch {
		case errno == 0 && taken == len(packets):
			return taken, nil
		case errno == 0 || errno == unix.EINTR:
		case errors.Is(errno, unix.EAGAIN), errno == unix.ENOBUFS, errno == unix.ENOMEM:
			// The link's queue or the socket's buffer is full.
			if !wait.more() {
				return taken, errFull
			}
		default:
			return taken, errno
		}
	}
}

func sendmmsg(fd int, msgs []message) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&msgs[0])), uintptr(len(msgs)), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
