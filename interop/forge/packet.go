package main

import "encoding/binary"

// Enhanced GRE (RFC 2637 section 4.1): flags K and S, version 1, protocol PPP.
const (
	greFlags = 0x3001
	greAck   = 0x0080
	grePPP   = 0x880b
)

// live is what a packet of the call told: the newest one seen.
type live struct {
	callID uint16
	seq    uint32
	count  uint16 // MPPE coherency count, RFC 3078 section 3
	mppe   bool   // the packet carried MPPE
	packet []byte // the whole GRE packet
}

// parseLive reads a GRE packet that carries data; ok is false for others.
func parseLive(p []byte) (l live, ok bool) {
	if len(p) < 12 || binary.BigEndian.Uint16(p)&^greAck != greFlags || binary.BigEndian.Uint16(p[2:]) != grePPP {
		return live{}, false
	}
	l = live{callID: binary.BigEndian.Uint16(p[6:]), seq: binary.BigEndian.Uint32(p[8:])}
	ppp := p[12:]
	if p[1]&greAck != 0 {
		if len(p) < 16 {
			return live{}, false
		}
		ppp = p[16:]
	}
	l.packet = append([]byte(nil), p...)
	if len(ppp) >= 2 && ppp[0] == 0xff && ppp[1] == 0x03 {
		ppp = ppp[2:]
	}
	switch {
	case len(ppp) >= 4 && ppp[0] == 0x00 && ppp[1] == 0xfd:
		l.mppe, l.count = true, binary.BigEndian.Uint16(ppp[2:])&0x0fff
	case len(ppp) >= 3 && ppp[0] == 0xfd: // protocol field compressed
		l.mppe, l.count = true, binary.BigEndian.Uint16(ppp[1:])&0x0fff
	}
	return l, true
}

// gre is a data packet without an acknowledgment.
func gre(callID uint16, seq uint32, payload []byte) []byte {
	p := make([]byte, 12, 12+len(payload))
	binary.BigEndian.PutUint16(p, greFlags)
	binary.BigEndian.PutUint16(p[2:], grePPP)
	binary.BigEndian.PutUint16(p[4:], uint16(len(payload)))
	binary.BigEndian.PutUint16(p[6:], callID)
	binary.BigEndian.PutUint32(p[8:], seq)
	return append(p, payload...)
}

// mppe is a frame that looks encrypted: bits A and D set, then body.
func mppe(count uint16, body []byte) []byte {
	p := []byte{0xff, 0x03, 0x00, 0xfd}
	p = binary.BigEndian.AppendUint16(p, 0x9000|count&0x0fff)
	return append(p, body...)
}

// control is a PPP control packet (RFC 1661 section 5) in clear.
func control(protocol uint16, code, id byte, data []byte) []byte {
	p := []byte{0xff, 0x03}
	p = binary.BigEndian.AppendUint16(p, protocol)
	p = append(p, code, id)
	p = binary.BigEndian.AppendUint16(p, uint16(4+len(data)))
	return append(p, data...)
}
