package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// sender sends GRE from a socket of its own, which knows what a client's does not need to: packets
// that are not to be fragmented, and the ICMP errors that come back.
type sender struct {
	fd    int
	to    unix.SockaddrInet4
	whole bool
}

// newSender makes one; conn is for other systems.
func newSender(local, peer netip.Addr, _ gre.Conn) (*sender, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_GRE)
	if err != nil {
		return nil, err
	}
	s := &sender{fd: fd, to: unix.SockaddrInet4{Addr: peer.As4()}}
	err = errors.Join(
		attach(fd, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}), // who listens is another
		unix.Bind(fd, &unix.SockaddrInet4{Addr: local.As4()}),
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1),
		s.discover(unix.IP_PMTUDISC_DONT))
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// attach makes a program the socket's filter. It is short enough to be spelt as the kernel has it.
func attach(fd int, program ...unix.SockFilter) error {
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

func (s *sender) discover(mode int) error {
	return unix.SetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, mode)
}

// canProbe reports whether packets can be kept from being fragmented.
func (s *sender) canProbe() bool { return true }

// send sends one packet; whole forbids that it is fragmented, whatever the system believes of the
// path. An error that came for an earlier packet is in the way of this one: it is sent again.
func (s *sender) send(packet []byte, whole bool) (err error) {
	if whole != s.whole {
		mode := unix.IP_PMTUDISC_DONT
		if whole {
			mode = unix.IP_PMTUDISC_PROBE
		}
		if err := s.discover(mode); err != nil {
			return err
		}
		s.whole = whole
	}
	for range 3 {
		err = unix.Sendto(s.fd, packet, 0, &s.to)
		if err == nil || errors.Is(err, unix.EPERM) {
			return err
		}
	}
	return err
}

// trouble is what ICMP said since it was asked last: who said what, and the MTU that was named.
func (s *sender) trouble() (words string, mtu int) {
	var data [256]byte
	var oob [256]byte
	for {
		_, n, _, _, err := unix.Recvmsg(s.fd, data[:], oob[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if err != nil {
			return words, mtu
		}
		messages, err := unix.ParseSocketControlMessage(oob[:n])
		if err != nil {
			continue
		}
		for _, m := range messages {
			if m.Header.Level != unix.IPPROTO_IP || m.Header.Type != unix.IP_RECVERR || len(m.Data) < extendedLen {
				continue
			}
			e := (*unix.SockExtendedErr)(unsafe.Pointer(&m.Data[0]))
			if e.Origin != unix.SO_EE_ORIGIN_ICMP {
				continue
			}
			if e.Type == 3 && e.Code == 4 {
				mtu = int(e.Info)
				continue
			}
			words = fmt.Sprintf("%s answers with ICMP: %s", offender(m.Data[extendedLen:]), icmpWords(e.Type, e.Code))
		}
	}
}

// extendedLen is the size of struct sock_extended_err; the offender's address follows (ip(7),
// IP_RECVERR).
const extendedLen = 16

func offender(sockaddr []byte) string {
	if len(sockaddr) < 8 || binary.NativeEndian.Uint16(sockaddr) != unix.AF_INET {
		return "somebody"
	}
	return netip.AddrFrom4([4]byte(sockaddr[4:8])).String()
}

// icmpWords are those of RFC 792 and RFC 1812 section 5.2.7.1.
func icmpWords(kind, code uint8) string {
	unreachable := map[uint8]string{
		0: "network unreachable", 1: "host unreachable", 2: "protocol unreachable, so no program there takes GRE", 3: "port unreachable",
		9: "network prohibited", 10: "host prohibited", 13: "prohibited by a filter",
	}
	if text, known := unreachable[code]; kind == 3 && known {
		return text
	}
	if kind == 11 {
		return "time exceeded, as in a loop of routes"
	}
	return fmt.Sprintf("type %d, code %d", kind, code)
}

func (s *sender) close() { _ = unix.Close(s.fd) }

// arrivals counts the server's GRE as it comes to the interface, before any filter of this machine.
type arrivals struct {
	fd    int
	total int
}

func countArrivals(peer netip.Addr) (*arrivals, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	const protocolAt, sourceAt = 9, 12 // in an IPv4 header
	from := peer.As4()
	err = errors.Join(
		attach(fd,
			unix.SockFilter{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: protocolAt},
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.IPPROTO_GRE, Jf: 3},
			unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: sourceAt},
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: binary.BigEndian.Uint32(from[:]), Jf: 1},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 1},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16([]byte{unix.ETH_P_IP >> 8, unix.ETH_P_IP & 0xFF})}))
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return &arrivals{fd: fd}, nil
}

// count is how many came so far.
func (a *arrivals) count() int {
	if a == nil {
		return 0
	}
	if s, err := unix.GetsockoptTpacketStats(a.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
		a.total += int(s.Packets)
	}
	return a.total
}

func (a *arrivals) close() {
	if a != nil {
		_ = unix.Close(a.fd)
	}
}
