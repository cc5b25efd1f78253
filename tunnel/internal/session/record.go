package session

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/arc4tun/arc4tun/mppe"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// received is one GRE packet on its way in. Its headers are read once, by parse, and what becomes
// of it stays with it until the window has the packet.
type received struct {
	peer   netip.Addr
	callID uint16   // ours
	owner  *Session // whose it is, until it was handed over
	stray  bool     // it had no owner when it came

	kind     kind
	hasAck   bool
	ack, seq uint32
	frame    []byte // PPP, from its address or protocol field on
	protocol uint16
	body     []byte // what follows the protocol

	// Stateless MPPE: what it decrypts to, and the buffer in which that lies from headroom-2 on;
	// nil where the packet is not decrypted on arrival.
	mppe mppe.Packet
	buf  *buffer
}

// kind is what a GRE packet carries.
type kind uint8

const (
	isNobodys kind = iota // too short to have a call ID
	isMalformed
	isAcknowledgment // and nothing else
	isControl        // a PPP control frame
	isCompressed     // MPPE (RFC 3078 section 3)
	isClear          // IP
)

// parse reads the headers of a packet, GRE (RFC 2637 section 4.1) and PPP, into a record that may
// have been another packet's. It writes in place: a record is large, and there is one for every
// packet.
func (r *received) parse(p *gre.Packet) {
	r.peer, r.callID, r.owner, r.stray = p.Addr, 0, nil, false
	r.kind, r.hasAck, r.buf = isNobodys, false, nil
	if len(p.Data) < gre.MinHeader {
		return
	}
	r.callID, r.kind = binary.BigEndian.Uint16(p.Data[6:]), isMalformed
	h, payload, err := gre.Parse(p.Data)
	empty := err != nil && errors.Is(err, gre.ErrEmpty)
	if err != nil && !(empty && h.HasAck) {
		return
	}
	r.ack, r.hasAck, r.seq = h.Ack, h.HasAck, h.Seq
	if !h.HasSeq || empty {
		r.kind = isAcknowledgment
		return
	}
	r.frame = payload
	if r.protocol, r.body, err = ppp.ParseFrame(payload); err != nil {
		return
	}
	switch r.protocol {
	case ppp.ProtoCompressed:
		r.kind = isCompressed
	case ppp.ProtoIPv4, ppp.ProtoIPv6:
		r.kind = isClear
	default:
		r.kind = isControl
	}
}
