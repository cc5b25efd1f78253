package rtnetlink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// order is the byte order of everything in netlink that no address or port is.
var order = binary.NativeEndian

const (
	headerLength    = unix.NLMSG_HDRLEN // of struct nlmsghdr
	attributeLength = unix.SizeofRtAttr // of struct rtattr
	// attributeType is NLA_TYPE_MASK: the two bits above it are flags.
	attributeType = 0x3FFF
)

// errMalformed is a message that is shorter than what it holds, or holds what it cannot.
var errMalformed = errors.New("malformed netlink message")

func malformed(what string, b []byte) error {
	return fmt.Errorf("%w: %s of %d bytes", errMalformed, what, len(b))
}

func align(n int) int { return (n + 3) &^ 3 }

// request is a message in the making, with its header (struct nlmsghdr): what follows it is a fixed
// structure and attributes.
type request []byte

func newRequest(kind uint16, flags uint16, fixed []byte) request {
	r := make(request, headerLength, 128)
	order.PutUint16(r[4:], kind)
	order.PutUint16(r[6:], unix.NLM_F_REQUEST|flags)
	return append(r, fixed...)
}

// finish completes the header.
func (r request) finish(sequence uint32) {
	order.PutUint32(r, uint32(len(r)))
	order.PutUint32(r[8:], sequence)
}

func (r request) acknowledge() { order.PutUint16(r[6:], order.Uint16(r[6:])|unix.NLM_F_ACK) }

func (r request) isDump() bool { return order.Uint16(r[6:])&unix.NLM_F_DUMP == unix.NLM_F_DUMP }

// bytes adds an attribute (struct rtattr). Lengths are those of addresses and names.
func (r *request) bytes(kind uint16, value []byte) {
	start := r.open(kind)
	*r = append(*r, value...)
	r.close(start)
}

func (r *request) uint32(kind uint16, value uint32) {
	r.bytes(kind, order.AppendUint32(nil, value))
}

// name adds a string that ends with a zero.
func (r *request) name(kind uint16, value string) { r.bytes(kind, append([]byte(value), 0)) }

func (r *request) address(kind uint16, a netip.Addr) { r.bytes(kind, a.WithZone("").AsSlice()) }

// nest adds an attribute of attributes.
func (r *request) nest(kind uint16, fill func()) {
	start := r.open(kind)
	fill()
	r.close(start)
}

func (r *request) open(kind uint16) (start int) {
	start = len(*r)
	*r = order.AppendUint16(append(*r, 0, 0), kind)
	return start
}

func (r *request) close(start int) {
	order.PutUint16((*r)[start:], uint16(len(*r)-start))
	*r = append(*r, make([]byte, align(len(*r))-len(*r))...)
}

// message is one that the kernel sent.
type message struct {
	kind, flags uint16
	sequence    uint32
	body        []byte // behind the header
}

// eachMessage hands over the messages of a datagram, until f has an error.
func eachMessage(b []byte, f func(message) error) error {
	for len(b) >= headerLength {
		length := order.Uint32(b)
		if length < headerLength || uint64(length) > uint64(len(b)) {
			return malformed("datagram", b)
		}
		m := message{order.Uint16(b[4:]), order.Uint16(b[6:]), order.Uint32(b[8:]), b[headerLength:length]}
		if err := f(m); err != nil {
			return err
		}
		b = b[min(align(int(length)), len(b)):]
	}
	return nil
}

// eachAttribute hands over attributes, in their order.
func eachAttribute(b []byte, f func(kind uint16, value []byte)) error {
	for len(b) >= attributeLength {
		length := int(order.Uint16(b))
		switch {
		case length >= attributeLength && length <= len(b):
		case len(b) == attributeLength:
			return nil // a last one without a value, which qemu-user 7.2 leaves in its host's byte order
		default:
			return malformed("attributes", b)
		}
		f(order.Uint16(b[2:])&attributeType, b[attributeLength:length])
		b = b[min(align(length), len(b)):]
	}
	return nil
}

// uint32Of reads an attribute's number; 0 if it is none.
func uint32Of(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return order.Uint32(b)
}

// uint8Of likewise.
func uint8Of(b []byte) uint8 {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

// nameOf reads a string up to its zero.
func nameOf(b []byte) string { return unix.ByteSliceToString(b) }

// addressOf reads an address; invalid if it is none.
func addressOf(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}

// addressBits is the length of a family's addresses, in bits; 0: it has none of IP.
func addressBits(family uint8) int {
	switch family {
	case unix.AF_INET:
		return 32
	case unix.AF_INET6:
		return 128
	}
	return 0
}

// familyOf is an address's.
func familyOf(a netip.Addr) uint8 {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// prefixOf makes a network of an attribute, which is missing where all its bits would be zero.
func prefixOf(family uint8, address []byte, bits uint8) (netip.Prefix, bool) {
	a := addressOf(address)
	if len(address) == 0 {
		a = unspecified(family)
	}
	if a.BitLen() != addressBits(family) || int(bits) > a.BitLen() || !a.IsValid() {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, int(bits)), true
}

func unspecified(family uint8) netip.Addr {
	switch family {
	case unix.AF_INET:
		return netip.IPv4Unspecified()
	case unix.AF_INET6:
		return netip.IPv6Unspecified()
	}
	return netip.Addr{}
}
