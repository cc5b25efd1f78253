package decrypt

import (
	"net/netip"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

// Bounds of what is kept of datagrams that came in fragments.
const (
	maxDatagrams = 64
	maxDatagram  = 65535 // bytes
	unit         = 8     // bytes; in which fragments are counted
)

// datagram is one of which fragments have come. Gopacket has the same, without a bound for how many
// there are.
type datagram struct {
	key      datagramKey
	data     []byte // behind the IP header
	have     [(maxDatagram/unit + 1 + 63) / 64]uint64
	units    int // that are there
	total    int // bytes; -1: the last fragment has not come
	cut      bool
	sequence uint64 // of its first fragment, among all
}

// datagramKey is what the fragments of one have in common (RFC 791 section 3.2).
type datagramKey struct {
	from, to netip.Addr
	id       uint16
	protocol byte
}

// fragments puts datagrams together.
type fragments struct {
	under []*datagram
	count uint64
}

// add takes a fragment in and gives the datagram's content when it is complete, else nil.
func (f *fragments) add(p ippkt.IPv4, body []byte, cut bool) (content []byte, wasCut bool) {
	key := datagramKey{p.Source(), p.Destination(), uint16(p[4])<<8 | uint16(p[5]), p.Protocol()}
	offset := int(p.Fragment()&ippkt.FragmentOffset) * unit
	more := p.Fragment()&ippkt.MoreFragments != 0
	if len(body) == 0 || offset+len(body) > maxDatagram || more && len(body)%unit != 0 && !cut {
		return nil, false
	}
	d := f.find(key)
	if d == nil {
		f.count++
		d = &datagram{key: key, total: -1, sequence: f.count}
		f.keep(d)
	}
	d.cut = d.cut || cut
	if !more {
		d.total = offset + len(body)
	}
	d.put(offset, body)
	if d.total < 0 || d.units < (d.total+unit-1)/unit {
		return nil, false
	}
	f.remove(d)
	return d.data[:min(d.total, len(d.data))], d.cut
}

// put copies what was not there before.
func (d *datagram) put(offset int, body []byte) {
	if end := offset + len(body); end > len(d.data) {
		d.data = append(d.data, make([]byte, end-len(d.data))...)
	}
	for at := 0; at < len(body); at += unit {
		n := (offset + at) / unit
		if d.have[n/64]>>(n%64)&1 == 0 {
			d.have[n/64] |= 1 << (n % 64)
			d.units++
			copy(d.data[offset+at:], body[at:min(at+unit, len(body))])
		}
	}
}

func (f *fragments) find(key datagramKey) *datagram {
	for _, d := range f.under {
		if d.key == key {
			return d
		}
	}
	return nil
}

// keep makes room by giving up the oldest.
func (f *fragments) keep(d *datagram) {
	if len(f.under) == maxDatagrams {
		oldest := f.under[0]
		for _, other := range f.under {
			if other.sequence < oldest.sequence {
				oldest = other
			}
		}
		f.remove(oldest)
	}
	f.under = append(f.under, d)
}

func (f *fragments) remove(d *datagram) {
	for i, other := range f.under {
		if other == d {
			last := len(f.under) - 1
			f.under[i], f.under = f.under[last], f.under[:last]
			return
		}
	}
}
