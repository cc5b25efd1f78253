package scale

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// packetGen makes what hostile peers send: from nothing, and from what they have seen.
type packetGen struct{ *rand.Rand }

// newPacketGen gives the random numbers of one hostile peer.
func newPacketGen(seed, peer uint64) packetGen { return packetGen{rand.New(rand.NewPCG(seed, peer))} }

// oneIn reports true once in n times.
func (d packetGen) oneIn(n int) bool { return d.IntN(n) == 0 }

func (d packetGen) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(d.Uint32())
	}
	return b
}

// length gives a number of bytes that is mostly small, and rarely at the limits.
func (d packetGen) length() int {
	switch d.IntN(20) {
	case 0:
		return 1400 + d.IntN(200)
	case 1:
		return 255 + d.IntN(3)
	case 2:
		return 0
	}
	return d.IntN(40)
}

// oneOf takes one of several.
func oneOf[T any](d packetGen, all ...T) T { return all[d.IntN(len(all))] }

// control is a control message of any type with any fields (RFC 2637 section 2), most of them
// framed well.
func (d packetGen) control(calls []uint16) []byte {
	t := control.Type(1 + d.IntN(16))
	n := t.Len()
	if n == 0 {
		n = 12 + d.IntN(200)
	}
	b := d.bytes(n)
	binary.BigEndian.PutUint16(b, uint16(n))
	binary.BigEndian.PutUint16(b[2:], oneOf[uint16](d, 1, 1, 1, 1, 1, 1, 1, 2))
	binary.BigEndian.PutUint32(b[4:], 0x1A2B3C4D)
	binary.BigEndian.PutUint16(b[8:], uint16(t))
	// Most messages about calls begin with an ID or two, and are of interest if those exist.
	for at := 12; at+2 <= min(n, 16); at += 2 {
		if len(calls) > 0 && !d.oneIn(4) {
			binary.BigEndian.PutUint16(b[at:], calls[d.IntN(len(calls))])
		}
	}
	if n > 17 && d.oneIn(2) {
		b[16] = 1 // a good result, in both replies to call requests
	}
	if t == control.TypeStartRequest || t == control.TypeStartReply {
		copy(b[12:], []byte{1, 0, 1, 0})
	}
	if d.oneIn(25) {
		return d.corrupt(b)
	}
	return b
}

// frame is a PPP frame of any protocol, code and content.
func (d packetGen) frame(seen [][]byte) []byte {
	if len(seen) > 0 && d.oneIn(3) {
		return d.mutate(seen[d.IntN(len(seen))])
	}
	proto := oneOf(d, ppp.ProtoLCP, ppp.ProtoLCP, ppp.ProtoCHAP, ppp.ProtoPAP, ppp.ProtoCCP, ppp.ProtoCCP, ppp.ProtoIPCP, ppp.ProtoIPCP,
		ppp.ProtoIPV6CP, ppp.ProtoEAP, ppp.ProtoIPv4, ppp.ProtoIPv6, ppp.ProtoCompressed, ppp.ProtoCompressed, 0x8281, uint16(d.Uint32())|1)
	b := ppp.AppendHeader(nil, proto, d.oneIn(2), d.oneIn(3))
	switch proto {
	case ppp.ProtoIPv4, ppp.ProtoIPv6:
		return append(b, d.bytes(20+d.length())...)
	case ppp.ProtoCompressed:
		return append(binary.BigEndian.AppendUint16(b, 0x9000|uint16(d.Uint32())&0x6FFF), d.bytes(d.length())...)
	}
	return append(b, d.packet(proto)...)
}

// packet is one of LCP, an NCP, PAP, CHAP or EAP (RFC 1661 section 5), mostly with a length that is
// true.
func (d packetGen) packet(proto uint16) []byte {
	var data []byte
	switch n := d.IntN(4); {
	case proto == ppp.ProtoEAP && n > 0:
		data = d.eap()
	case n == 0:
		data = d.bytes(d.length())
	case n == 1:
		data = append(binary.BigEndian.AppendUint32(nil, uint32(d.IntN(2))*d.Uint32()), d.bytes(d.IntN(8))...) // a magic number
	case n == 2:
		data = append(binary.BigEndian.AppendUint16(nil, oneOf(d, ppp.ProtoLCP, ppp.ProtoCCP, ppp.ProtoIPCP, ppp.ProtoIPV6CP, ppp.ProtoCHAP, ppp.ProtoPAP)), d.bytes(d.IntN(20))...)
	default:
		for range d.IntN(6) {
			data = append(data, d.option(proto)...)
		}
	}
	code := byte(1 + d.IntN(16))
	if d.oneIn(20) {
		code = byte(d.Uint32())
	}
	b := binary.BigEndian.AppendUint16([]byte{code, byte(d.IntN(12))}, uint16(4+len(data)))
	b = append(b, data...)
	if d.oneIn(15) {
		b[2+d.IntN(2)] = byte(d.Uint32())
	}
	return b
}

// eap is what a Request or Response carries (RFC 3748 section 5): mostly a packet of MS-CHAPv2, or
// the byte that answers one.
func (d packetGen) eap() []byte {
	data := []byte{oneOf[byte](d, 26, 26, 26, 26, 1, 2, 3, 4, 13, 25, 254)}
	switch {
	case data[0] != 26:
		return append(data, d.bytes(d.IntN(20))...)
	case d.oneIn(3):
		return append(data, byte(2+d.IntN(3)))
	}
	n := oneOf(d, 16, 49, d.IntN(60))
	value := append([]byte{byte(n)}, d.bytes(n+d.IntN(8))...)
	if d.oneIn(10) {
		value = d.corrupt(value)
	}
	data = append(data, byte(1+d.IntN(5)), byte(d.IntN(12)))
	return append(binary.BigEndian.AppendUint16(data, uint16(4+len(value))), value...)
}

// option is one that the protocol knows, mostly with the right length.
func (d packetGen) option(proto uint16) []byte {
	known := map[uint16][]byte{ // type and length of the value
		ppp.ProtoLCP:    {1, 2, 2, 4, 3, 3, 3, 2, 5, 4, 7, 0, 8, 0, 13, 1, 17, 2, 19, 7},
		ppp.ProtoCCP:    {18, 4, 18, 4, 18, 4, 21, 1, 26, 2},
		ppp.ProtoIPCP:   {3, 4, 3, 4, 129, 4, 130, 4, 131, 4, 132, 4, 2, 4, 1, 8},
		ppp.ProtoIPV6CP: {1, 8, 1, 8, 2, 2},
	}[proto]
	if len(known) == 0 || d.oneIn(10) {
		v := d.bytes(d.IntN(12))
		return append([]byte{byte(d.Uint32()), byte(2 + len(v))}, v...)
	}
	i := 2 * d.IntN(len(known)/2)
	v := d.bytes(int(known[i+1]))
	switch {
	case proto == ppp.ProtoCCP && known[i] == 18:
		v = []byte{byte(d.IntN(2)), 0, 0, oneOf[byte](d, 0x40, 0x60, 0x20, 0x80, 0xE1, 0x01, 0)}
	case proto == ppp.ProtoLCP && known[i] == 3:
		v = oneOf(d, []byte{0xC2, 0x23, 0x81}, []byte{0xC2, 0x23, 5}, []byte{0xC0, 0x23}, []byte{0xC2, 0x27})
	case len(v) == 4 && d.oneIn(3):
		v = []byte{10, byte(d.IntN(2)) * 64, 0, byte(1 + d.IntN(3))}
	}
	b := append([]byte{known[i], byte(2 + len(v))}, v...)
	if d.oneIn(15) {
		b[1] = byte(d.Uint32())
	}
	return b
}

// mutate makes a frame from one that was seen: the same again, with another code (so that a request
// becomes its own acknowledgment or refusal), with another identifier, or inside a reject.
func (d packetGen) mutate(frame []byte) []byte {
	frame = slices.Clone(frame)
	proto, info, err := ppp.ParseFrame(frame)
	if err != nil || len(info) < 4 {
		return frame
	}
	switch d.IntN(6) {
	case 0:
	case 1:
		info[0] = byte(1 + d.IntN(7))
	case 2:
		info[0], info[1] = byte(1+d.IntN(15)), byte(d.IntN(16))
	case 3:
		data := append(binary.BigEndian.AppendUint16(nil, proto), info...)
		b := append(ppp.AppendHeader(nil, ppp.ProtoLCP, false, false), 8, byte(d.IntN(16)))
		return append(binary.BigEndian.AppendUint16(b, uint16(4+len(data))), data...)
	case 4:
		b := append(ppp.AppendHeader(nil, proto, false, false), 7, byte(d.IntN(16)))
		return append(binary.BigEndian.AppendUint16(b, uint16(4+len(info))), info...)
	default:
		return d.corrupt(frame)
	}
	return frame
}

// corrupt alters bytes, cuts an end off or adds one.
func (d packetGen) corrupt(b []byte) []byte {
	b = slices.Clone(b)
	switch d.IntN(4) {
	case 0:
		return b[:d.IntN(len(b)+1)]
	case 1:
		return append(b, d.bytes(d.IntN(50))...)
	}
	for range 1 + d.IntN(3) {
		if len(b) > 0 {
			b[d.IntN(len(b))] = byte(d.Uint32())
		}
	}
	return b
}

// greEnvelope is a frame in enhanced GRE (RFC 2637 section 4.1), or what looks like it.
func (d packetGen) greEnvelope(call uint16, seq uint32, frame []byte) []byte {
	h := gre.Header{CallID: call, PayloadLen: uint16(len(frame)), HasSeq: true, Seq: seq}
	if d.oneIn(8) {
		h.HasAck, h.Ack = true, d.Uint32()
	}
	p := append(h.AppendTo(nil), frame...)
	if d.oneIn(40) {
		return d.corrupt(p)
	}
	return p
}
