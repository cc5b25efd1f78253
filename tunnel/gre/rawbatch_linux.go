package gre

import (
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ReadBatch of golang.org/x/net/ipv4 allocates two objects for each packet (64 for a batch of 32,
// measured on loopback: an IPAddr and its bytes), although the source address is in the IP header
// that comes along; hence recvmmsg and sendmmsg by hand here, with arrays that live as long as the
// socket.

// maxBatch is the number of packets in one system call; the gain is flat from 32 on.
const maxBatch = 128

// message is struct mmsghdr of recvmmsg(2); Go pads it as C does.
type message struct {
	hdr    unix.Msghdr
	length uint32
}

// batchReader holds the arrays of recvmmsg.
type batchReader struct {
	conn *rawConn
	msgs []message
	iovs []unix.Iovec
	last int // how many datagrams the last read gave
}

// leastWanted is how many datagrams a read asks for at least. It asks for twice what the last one
// gave: to get ready for many costs as much as a small datagram.
const leastWanted = 32

func (r *batchReader) init(c *rawConn) {
	r.conn = c
	r.msgs = make([]message, maxBatch)
	r.iovs = make([]unix.Iovec, maxBatch)
	for i := range r.msgs {
		r.msgs[i].hdr.Iov = &r.iovs[i]
		r.msgs[i].hdr.SetIovlen(1)
	}
}

// read waits for at least one datagram and receives what there is into the packets' buffers.
func (r *batchReader) read(pkts []Packet) (int, error) {
	want := min(len(pkts), maxBatch, max(leastWanted, 2*r.last))
	for i := range want {
		buf := pkts[i].Buf
		if len(buf) == 0 {
			return 0, errNoBuffer
		}
		r.iovs[i].Base = &buf[0]
		r.iovs[i].SetLen(len(buf))
	}
	r.conn.life.RLock()
	defer r.conn.life.RUnlock()
	if r.conn.over {
		return 0, net.ErrClosed
	}
	for failures := 0; ; {
		n, errno := r.receive(want)
		switch {
		case errno == unix.EINTR:
			continue
		case errno == 0 && n > 0 && r.msgs[0].length > 0:
			r.last = n
			return n, nil
		case errno == 0:
			return 0, net.ErrClosed // a datagram has an IP header; what has none is the end
		}
		r.conn.count.readErrors.Add(1)
		// The errors of a socket are those of earlier packets, and each is reported once. An error
		// that stays is the socket's own.
		if failures++; failures > maxReadErrors {
			return 0, &net.OpError{Op: "read", Net: "ip4:gre", Source: &net.IPAddr{IP: r.conn.local.AsSlice()}, Err: errno}
		}
	}
}

// receive takes what is there, and waits for it only if there is nothing: a call that cannot wait
// need not leave Go's scheduler.
func (r *batchReader) receive(want int) (int, syscall.Errno) {
	fd := uintptr(r.conn.fd)
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.msgs[0])), uintptr(want), unix.MSG_DONTWAIT, 0, 0)
	if errno == unix.EAGAIN {
		n, _, errno = unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.msgs[0])), uintptr(want), unix.MSG_WAITFORONE, 0, 0)
	}
	return int(n), errno
}

// received returns the length of datagram i of the last read, and whether its end is missing.
func (r *batchReader) received(i int) (length int, truncated bool) {
	m := &r.msgs[i]
	return int(m.length), m.hdr.Flags&unix.MSG_TRUNC != 0
}

// batchWriter holds the arrays of sendmmsg.
type batchWriter struct {
	conn   *rawConn
	msgs   []message
	iovs   []unix.Iovec
	addrs  []unix.RawSockaddrInet4
	todo   []message     // what is left to be sent
	denied syscall.Errno // of the last flush: what a local firewall said
}

func newBatchWriter(c *rawConn) *batchWriter {
	w := &batchWriter{
		conn:  c,
		msgs:  make([]message, maxBatch),
		iovs:  make([]unix.Iovec, maxBatch),
		addrs: make([]unix.RawSockaddrInet4, maxBatch),
	}
	for i := range w.msgs {
		w.addrs[i].Family = unix.AF_INET
		hdr := &w.msgs[i].hdr
		hdr.Name = (*byte)(unsafe.Pointer(&w.addrs[i]))
		hdr.Namelen = unix.SizeofSockaddrInet4
		hdr.Iov = &w.iovs[i]
		hdr.SetIovlen(1)
	}
	return w
}

// write sends at most maxBatch packets and returns how many the system took.
func (w *batchWriter) write(pkts []Packet) (int, error) {
	return w.flush(w.fill(pkts))
}

// writeTo is write for packets that go to one peer, which is IPv4.
func (w *batchWriter) writeTo(peer netip.Addr, packets [][]byte) (int, error) {
	to := peer.As4()
	n := 0
	for _, p := range packets {
		if len(p) == 0 {
			w.conn.count.badAddress.Add(1)
			continue
		}
		w.addrs[n].Addr = to
		w.iovs[n].Base = &p[0]
		w.iovs[n].SetLen(len(p))
		n++
	}
	return w.flush(n)
}

// flush sends the first n messages.
func (w *batchWriter) flush(n int) (int, error) {
	w.todo, w.denied = w.msgs[:n], 0
	total, size := 0, 0
	defer func() {
		w.conn.count.sent.Add(uint64(total))
		w.conn.count.sentBytes.Add(uint64(size))
	}()
	w.conn.life.RLock()
	defer w.conn.life.RUnlock()
	if w.conn.over {
		return 0, net.ErrClosed
	}
	for len(w.todo) > 0 {
		sent, errno := w.send()
		switch errno {
		case 0:
		case unix.EINTR:
			continue
		case unix.EPIPE:
			return total, net.ErrClosed // shut down
		default:
			// sendmmsg names an error only for its first message: that one is lost, the next may
			// fare better.
			w.conn.count.sendError(errno)
			if errno == unix.EPERM || errno == unix.EACCES {
				w.denied = errno
			}
			w.todo = w.todo[1:]
			continue
		}
		for i := range w.todo[:sent] {
			size += int(w.todo[i].length)
		}
		total += sent
		w.todo = w.todo[sent:]
	}
	return total, nil
}

// send sends what the socket's buffer has room for, and waits for room if there is none.
func (w *batchWriter) send() (int, syscall.Errno) {
	fd, n := uintptr(w.conn.fd), uintptr(len(w.todo))
	sent, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&w.todo[0])), n, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno == unix.EAGAIN {
		sent, _, errno = unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&w.todo[0])), n, unix.MSG_NOSIGNAL, 0, 0)
	}
	return int(sent), errno
}

// fill puts the packets that can be addressed at all into the arrays and returns how many.
func (w *batchWriter) fill(pkts []Packet) int {
	n := 0
	for i := range pkts {
		addr := pkts[i].Addr.Unmap()
		data := pkts[i].Data
		if !addr.Is4() || len(data) == 0 {
			w.conn.count.badAddress.Add(1)
			continue
		}
		w.addrs[n].Addr = addr.As4()
		w.iovs[n].Base = &data[0]
		w.iovs[n].SetLen(len(data))
		n++
	}
	return n
}
