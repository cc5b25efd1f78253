package netdev

import (
	"encoding/binary"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

// optionCopied marks an option that every fragment carries (RFC 791 section 3.1).
const optionCopied = 0x80

// Fragments are what is left to make of one IPv4 packet that is too large for the link it is to
// leave by.
type Fragments struct {
	header [60]byte // of the next fragment
	size   int      // of that header, bytes
	data   []byte   // what no fragment has carried yet
	offset int      // of data in the whole datagram, in units of eight bytes
	more   bool     // the packet is itself a fragment, and not the last one
	mtu    int
}

// Fragment begins to cut an IPv4 packet into fragments of at most mtu bytes, as a router does (RFC
// 791 section 3.2); the packet may be a fragment itself. It reports false where that is not allowed
// or not possible: Don't Fragment is set, the header is not sound, or the datagram would be longer
// than any is. The packet stays the caller's and must not change before the last fragment is made.
func Fragment(packet []byte, mtu int) (f Fragments, ok bool) {
	header, total, ok := ipv4Lengths(packet)
	if !ok {
		return f, false
	}
	flags := ippkt.IPv4(packet).Fragment()
	f.offset, f.more = int(flags&ippkt.FragmentOffset), flags&ippkt.MoreFragments != 0
	if flags&ippkt.DontFragment != 0 || mtu < header+8 || f.offset*8+total-header > 65535-header {
		return f, false
	}
	f.mtu, f.size, f.data = mtu, header, packet[header:total]
	copy(f.header[:], packet[:header])
	return f, true
}

// Next writes the next fragment to dst, which must have room for mtu bytes, and gives its size in
// bytes; 0 when there is none left.
func (f *Fragments) Next(dst []byte) int {
	if len(f.data) == 0 {
		return 0
	}
	size, flags := len(f.data), f.offset
	if room := (f.mtu - f.size) &^ 7; f.size+size > f.mtu {
		size = room
	}
	if size < len(f.data) || f.more {
		flags |= ippkt.MoreFragments
	}
	n := copy(dst, f.header[:f.size])
	n += copy(dst[n:], f.data[:size])
	binary.BigEndian.PutUint16(dst[2:], uint16(n))
	binary.BigEndian.PutUint16(dst[6:], uint16(flags))
	ippkt.IPv4(dst).PutChecksum()
	f.data, f.offset = f.data[size:], f.offset+size/8
	f.keepCopiedOptions()
	return n
}

// keepCopiedOptions takes the options off the header that only the first fragment carries.
func (f *Fragments) keepCopiedOptions() {
	options := f.header[ippkt.IPv4Len:f.size]
	kept := 0
	for i := 0; i < len(options) && options[i] != optionEnd; {
		size := 1
		if options[i] != optionNOP {
			if i+1 >= len(options) || options[i+1] < 2 || i+int(options[i+1]) > len(options) {
				break // what is not sound ends the list
			}
			size = int(options[i+1])
		}
		if options[i]&optionCopied != 0 {
			kept += copy(options[kept:], options[i:i+size])
		}
		i += size
	}
	padded := (kept + 3) &^ 3
	clear(options[kept:padded])
	f.size = ippkt.IPv4Len + padded
	f.header[0] = 4<<4 | byte(f.size/4)
}

// ipv4Lengths gives the lengths of an IPv4 packet's header and of the whole, in bytes; ok is false
// where it is not IPv4 or they cannot be.
func ipv4Lengths(packet []byte) (header, total int, ok bool) {
	if ippkt.Version(packet) != 4 {
		return 0, 0, false
	}
	return ippkt.IPv4(packet).Lengths()
}
