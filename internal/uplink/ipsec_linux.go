package uplink

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// ipsec knows IPsec's policies without bringing IPsec into the kernel: a socket that asks for them
// has the kernel load the modules for it, by a modprobe that is in nobody's memory. Out of a
// router's cold flash that is half a second, before the first packet, for what is not used there.
type ipsec struct {
	netlinks io.ReaderAt     // /proc/net/netlink: which protocols the kernel has
	xfrm     *rtnetlink.XFRM // nil: there was no IPsec up to now
	failed   error           // why it cannot be asked; nil: it can
	absent   bool            // there can be none
}

// openIPsec is for the network namespace of the calling thread.
func openIPsec() (*ipsec, error) {
	s := new(ipsec)
	if f, err := os.Open(fmt.Sprintf("/proc/self/task/%d/net/netlink", unix.Gettid())); err == nil {
		s.netlinks = f
	}
	if s.appear(); s.failed != nil {
		s.close()
		return nil, s.failed
	}
	return s, nil
}

// appear looks whether the kernel has IPsec by now, and reports whether it had not before. The
// thread must be in the same network namespace.
func (s *ipsec) appear() bool {
	if s.xfrm != nil || s.failed != nil || s.absent || !s.loaded() {
		return false
	}
	x, err := rtnetlink.OpenXFRM()
	switch {
	case errors.Is(err, unix.EPROTONOSUPPORT):
		s.absent = true
		return false
	case err != nil:
		s.failed = fmt.Errorf("for IPsec: %w", err)
	default:
		s.xfrm = x
	}
	return true
}

func (s *ipsec) close() {
	if f, is := s.netlinks.(io.Closer); is {
		_ = f.Close()
	}
	if s.xfrm != nil {
		s.xfrm.Close()
	}
}

// policies lists those for IPv4.
func (s *ipsec) policies() ([]rtnetlink.Policy, error) {
	if s.xfrm == nil {
		return nil, s.failed
	}
	return s.xfrm.Policies(unix.AF_INET)
}

// loaded reports whether anybody can have set policies: by netlink, or by the older PF_KEY. Where
// /proc does not say, somebody can.
func (s *ipsec) loaded() bool {
	if s.netlinks == nil {
		return true
	}
	if _, err := os.Stat("/proc/net/pfkey"); err == nil {
		return true
	}
	text, err := io.ReadAll(io.NewSectionReader(s.netlinks, 0, 1<<20))
	return err != nil || len(text) == 0 || rtnetlink.ListsProtocol(text, unix.NETLINK_XFRM)
}
