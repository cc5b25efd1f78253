package rtnetlink

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Conn asks the kernel, one question after the other. It belongs to the network namespace of the
// thread that opened it, whichever thread uses it later.
type Conn struct{ socket socket }

// Open opens a connection.
func Open() (*Conn, error) {
	c := new(Conn)
	return c, c.socket.open(unix.NETLINK_ROUTE)
}

// Close closes it. Who asks from then on gets os.ErrClosed.
func (c *Conn) Close() { c.socket.close() }

// ErrInterrupted says that a list may have gaps or doubles, because it changed again and again
// while the kernel gave it. What there is of it comes with the error.
var ErrInterrupted = errors.New("the list changed while it was read")

// Error is the kernel's refusal.
type Error struct {
	Errno   unix.Errno
	Message string // the kernel's own words, or none
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Errno.Error()
	}
	return e.Errno.Error() + ": " + e.Message
}

// Unwrap has errors.Is find the number.
func (e *Error) Unwrap() error { return e.Errno }

const (
	// attempts at a list that changes while it is read.
	attempts = 4
	// usual is the longest datagram that the kernel makes of a list, and most what a single message
	// may come to, in bytes.
	usual = 32 << 10
	most  = 1 << 20
	// patience is in seconds; the kernel has answered by then, or it never does.
	patience = 60
)

// buffers hold datagrams. One for each socket that asks now and then would be more.
var buffers = sync.Pool{New: func() any { return new([usual]byte) }}

// socket of netlink (netlink(7)).
type socket struct {
	mu       sync.Mutex
	fd       int
	opened   bool
	sequence uint32
}

func (s *socket) open(protocol int) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		_ = unix.Close(fd)
		return fmt.Errorf("bind netlink: %w", err)
	}
	// The kernel answers within the system call that asks, so nobody ever waits. Its own words for
	// errors came with Linux 4.12.
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: patience})
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_EXT_ACK, 1)
	s.fd, s.opened = fd, true
	return nil
}

func (s *socket) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened {
		_ = unix.Close(s.fd)
		s.opened = false
	}
}

// list collects what the kernel answers to a request: of messages of one kind those that parse
// finds to be wanted.
func list[T any](s *socket, r request, kind uint16, parse func(body []byte) (item T, wanted bool, err error)) (all []T, err error) {
	err = s.collect(r, func() { all = nil }, func(got uint16, body []byte) error {
		if got != kind {
			return nil
		}
		item, wanted, err := parse(body)
		if wanted && err == nil {
			all = append(all, item)
		}
		return err
	})
	return all, err
}

// collect asks, and asks again where the list has changed meanwhile or the buffer is too small;
// what it has handed over until then is worth nothing.
func (s *socket) collect(r request, anew func(), answer func(kind uint16, body []byte) error) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := buffers.Get().(*[usual]byte)
	defer buffers.Put(b)
	buf := b[:]
	for range attempts {
		anew()
		err = s.ask(r, buf, answer)
		var long tooLong
		switch {
		case errors.As(err, &long) && long <= most:
			buf = make([]byte, long)
		case !errors.Is(err, ErrInterrupted):
			return err
		}
	}
	return err
}

// do asks for a change.
func (s *socket) do(r request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var acknowledgment [1024]byte
	return s.ask(r, acknowledgment[:], func(uint16, []byte) error { return nil })
}

// tooLong is the length of an answer that is longer than the buffer for it.
type tooLong int

func (n tooLong) Error() string { return fmt.Sprintf("an answer of %d bytes", int(n)) }

// ask sends a request, and hands over the answers. It reads to their end even after an error: what
// was left would be in the way of the next. The caller holds mu.
func (s *socket) ask(r request, buf []byte, answer func(kind uint16, body []byte) error) error {
	if !s.opened {
		return os.ErrClosed
	}
	if !r.isDump() {
		r.acknowledge() // for an end to read to, whether there is an answer or not
	}
	s.sequence++
	r.finish(s.sequence)
	if err := unix.Sendto(s.fd, r, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	e := ending{sequence: s.sequence}
	for !e.ended {
		flags := unix.MSG_TRUNC
		if e.blind {
			flags |= unix.MSG_DONTWAIT
		}
		n, from, err := unix.Recvfrom(s.fd, buf, flags)
		switch sender, _ := from.(*unix.SockaddrNetlink); {
		case err == unix.EINTR:
		case err == unix.EAGAIN && e.blind:
			return e.err
		case err == unix.EAGAIN:
			return fmt.Errorf("the kernel has not answered for %d s: %w", patience, err)
		case err != nil:
			return err
		case sender == nil || sender.Pid != 0:
			// Other programs can send to a netlink socket, too.
		case n > len(buf):
			e.fail(tooLong(n))
			e.blind = true
		default:
			e.take(buf[:n], answer)
		}
	}
	return e.err
}

// ending follows the answers to one request.
type ending struct {
	sequence    uint32
	ended       bool
	interrupted bool
	blind       bool // the end may have been in what cannot be read
	err         error
}

func (e *ending) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// take reads a datagram.
func (e *ending) take(b []byte, answer func(kind uint16, body []byte) error) {
	err := eachMessage(b, func(m message) error {
		if m.sequence != e.sequence || e.ended {
			return nil // the rest of an answer that nobody waited for
		}
		e.interrupted = e.interrupted || m.flags&unix.NLM_F_DUMP_INTR != 0
		switch m.kind {
		case unix.NLMSG_NOOP:
		case unix.NLMSG_ERROR, unix.NLMSG_DONE:
			e.ended = true
			if err := parseError(m); err != nil {
				e.fail(err)
			}
		default:
			if e.err == nil {
				if err := answer(m.kind, m.body); err != nil {
					e.fail(err)
				}
			}
		}
		return nil
	})
	if err != nil {
		e.fail(err)
		e.blind = true
	}
	if e.ended && e.interrupted {
		e.fail(ErrInterrupted)
	}
}

const (
	capped       = 0x100 // NLM_F_CAPPED, linux/netlink.h: the request is not repeated
	withWords    = 0x200 // NLM_F_ACK_TLVS
	errorMessage = 1     // NLMSGERR_ATTR_MSG
)

// parseError reads how an exchange ended (struct nlmsgerr, linux/netlink.h); nil: well.
func parseError(m message) error {
	if len(m.body) < 4 {
		if m.kind == unix.NLMSG_DONE {
			return nil // older kernels have nothing to say
		}
		return malformed("acknowledgment", m.body)
	}
	number := int32(order.Uint32(m.body))
	if number == 0 {
		return nil
	}
	e := &Error{Errno: unix.Errno(-number)}
	rest := m.body[4:]
	if m.kind == unix.NLMSG_ERROR && len(rest) >= headerLength {
		repeated := uint64(headerLength)
		if m.flags&capped == 0 {
			repeated = uint64(order.Uint32(rest))
		}
		rest = rest[min((repeated+3)&^3, uint64(len(rest))):]
	}
	if m.flags&withWords != 0 {
		_ = eachAttribute(rest, func(kind uint16, value []byte) {
			if kind == errorMessage {
				e.Message = nameOf(value)
			}
		})
	}
	return e
}
