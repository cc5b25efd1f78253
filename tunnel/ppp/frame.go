package ppp

import "errors"

// Protocol numbers of the PPP protocol field (RFC 1661 section 2 and the IANA list).
const (
	ProtoIPv4       uint16 = 0x0021
	ProtoIPv6       uint16 = 0x0057
	ProtoCompressed uint16 = 0x00FD // MPPE datagrams (RFC 3078 section 3)
	ProtoIPCP       uint16 = 0x8021
	ProtoIPV6CP     uint16 = 0x8057
	ProtoCCP        uint16 = 0x80FD
	ProtoLCP        uint16 = 0xC021
	ProtoPAP        uint16 = 0xC023
	ProtoCHAP       uint16 = 0xC223
	ProtoEAP        uint16 = 0xC227
)

// The HDLC address and control fields in front of a frame (RFC 1662 section 3.1).
const (
	hdlcAddress = 0xFF
	hdlcControl = 0x03
)

// What ParseFrame finds wrong. The values carry no context, so that a flood of
// bad frames allocates nothing.
var (
	errFrameTooShort = errors.New("ppp: frame ends inside the protocol field")
	errBadProtocol   = errors.New("ppp: protocol field is not one RFC 1661 section 2 allows")
)

// ParseFrame splits a frame into its protocol number and its information field.
// The frame may start with FF 03 or not, and the protocol field may be one or
// two bytes: every combination is taken whatever was negotiated, because peers
// mix them. payload aliases b. Errors: errFrameTooShort, errBadProtocol (the
// second byte of a two-byte field is even).
func ParseFrame(b []byte) (proto uint16, payload []byte, err error) {
	if len(b) >= 2 && b[0] == hdlcAddress && b[1] == hdlcControl {
		b = b[2:]
	}
	if len(b) == 0 {
		return 0, nil, errFrameTooShort
	}
	// An odd first byte ends the field: a compressed protocol (RFC 1661 section 6.5).
	if b[0]&1 == 1 {
		return uint16(b[0]), b[1:], nil
	}
	if len(b) < 2 {
		return 0, nil, errFrameTooShort
	}
	if b[1]&1 == 0 {
		return 0, nil, errBadProtocol
	}
	return uint16(b[0])<<8 | uint16(b[1]), b[2:], nil
}

// AppendHeader appends the bytes that go in front of an information field of
// protocol proto: FF 03 unless acfc, and the protocol field in one byte if pfc
// and the number allows it. LCP is never compressed (RFC 1661 sections 6.5 and 6.6).
func AppendHeader(dst []byte, proto uint16, pfc, acfc bool) []byte {
	if proto == ProtoLCP {
		pfc, acfc = false, false
	}
	if !acfc {
		dst = append(dst, hdlcAddress, hdlcControl)
	}
	if pfc && proto < 0x100 {
		return append(dst, byte(proto))
	}
	return append(dst, byte(proto>>8), byte(proto))
}
