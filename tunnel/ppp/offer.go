package ppp

import "encoding/binary"

// Offer is what a frame says of a link to come, for who watches a negotiation without being part of
// it. What is not in the frame is zero.
type Offer struct {
	Proto uint16 // of the control packet
	Code  byte   // Configure-Request 1, Ack 2, Nak 3, Reject 4, Terminate-Request 5, ...

	Auth       string     // LCP: the method of the Authentication-Protocol option, in words
	AuthMethod AuthMethod // the same, 0 if this package does not speak it
	MRU        int        // LCP
	Magic      uint32     // LCP

	Strengths []int  // CCP: the strengths of MPPE, in bits, strongest first
	Stateless bool   // CCP: of MPPE
	Rejected  uint16 // LCP Protocol-Reject: the protocol

	Echo []byte // LCP Echo-Reply: what follows the magic number; aliases the frame
	ID   byte   // of the packet
}

// ReadOffer reads a frame of LCP or CCP. ok is false for frames of other protocols, and for
// malformed ones.
func ReadOffer(frame []byte) (o Offer, ok bool) {
	proto, info, err := ParseFrame(frame)
	if err != nil || proto != ProtoLCP && proto != ProtoCCP {
		return Offer{}, false
	}
	p, err := parsePacket(info)
	if err != nil {
		return Offer{}, false
	}
	o = Offer{Proto: proto, Code: p.code, ID: p.id}
	switch {
	case p.code >= codeConfigureRequest && p.code <= codeConfigureReject:
		if checkOptions(p.data) != nil {
			return Offer{}, false
		}
		eachOption(p.data, o.take)
	case proto == ProtoLCP && p.code == codeProtocolReject && len(p.data) >= 2:
		o.Rejected = binary.BigEndian.Uint16(p.data)
	case proto == ProtoLCP && p.code == codeEchoReply && len(p.data) >= 4:
		o.Echo = p.data[4:]
	}
	return o, true
}

// take notes one option.
func (o *Offer) take(opt option) {
	v := opt.value
	switch {
	case o.Proto == ProtoCCP && opt.typ == ccpOptMPPE && len(v) == 4:
		bits := binary.BigEndian.Uint32(v)
		for _, s := range []int{128, 56, 40} {
			if bits&strengthBit(s) != 0 {
				o.Strengths = append(o.Strengths, s)
			}
		}
		o.Stateless = bits&mppeStateless != 0
	case o.Proto != ProtoLCP:
	case opt.typ == lcpOptAuth:
		o.AuthMethod, o.Auth = authFromOption(v)
	case opt.typ == lcpOptMRU && len(v) == 2:
		o.MRU = int(binary.BigEndian.Uint16(v))
	case opt.typ == lcpOptMagic && len(v) == 4:
		o.Magic = binary.BigEndian.Uint32(v)
	}
}

// AppendEcho appends a frame with an LCP Echo-Request (RFC 1661 section 5.8).
func AppendEcho(dst []byte, id byte, magic uint32, data []byte) []byte {
	dst = AppendHeader(dst, ProtoLCP, false, false)
	return appendPacket(dst, codeEchoRequest, id, append(binary.BigEndian.AppendUint32(nil, magic), data...))
}

// loopNaks are more than the ten loops after which pppd gives a line up: it has retransmitted its
// request under the same number, and may have sent others.
const loopNaks = 16

// AppendFarewell appends frames that have a peer end a link which it is negotiating, though it is
// heard by nobody: a Terminate-Request, and for pppd, which goes on all the same, Naks of its magic
// number, of which so many mean that the line is looped back (RFC 1661 section 6.4).
func AppendFarewell(frames [][]byte, id byte) [][]byte {
	head := AppendHeader(nil, ProtoLCP, false, false)
	head = head[:len(head):len(head)]
	frames = append(frames, appendPacket(head, codeTerminateRequest, id, nil))
	magic := appendOption(nil, lcpOptMagic, []byte{0x6C, 0x6F, 0x6F, 0x70})
	for n := byte(1); n <= loopNaks; n++ { // pppd numbers its requests from 1
		frames = append(frames, appendPacket(head, codeConfigureNak, n, magic))
	}
	return frames
}
