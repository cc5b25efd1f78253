package ppp

import "errors"

// Codes of control packets (RFC 1661 section 5, RFC 1570 and 1962 for the rest).
const (
	codeConfigureRequest = 1
	codeConfigureAck     = 2
	codeConfigureNak     = 3
	codeConfigureReject  = 4
	codeTerminateRequest = 5
	codeTerminateAck     = 6
	codeCodeReject       = 7
	codeProtocolReject   = 8  // LCP only from here
	codeEchoRequest      = 9  //
	codeEchoReply        = 10 //
	codeDiscardRequest   = 11 //
	codeIdentification   = 12 // RFC 1570 section 2.1
	codeTimeRemaining    = 13 // RFC 1570 section 2.2
	codeResetRequest     = 14 // CCP only
	codeResetAck         = 15 //
)

// headerLen is the code, identifier and length fields of a control packet.
const headerLen = 4

// errPacketLength is a length field that cannot be true.
var errPacketLength = errors.New("ppp: packet length field is below 4 or past the end of the frame")

// A packet of LCP, an NCP, PAP or CHAP: they all start alike.
type packet struct {
	code, id byte
	data     []byte // what the length field covers, without the header
	raw      []byte // the same with the header
}

// parsePacket reads a packet from an information field. Bytes after the length
// are padding (RFC 1661 section 5).
func parsePacket(b []byte) (packet, error) {
	if len(b) < headerLen {
		return packet{}, errPacketLength
	}
	n := int(b[2])<<8 | int(b[3])
	if n < headerLen || n > len(b) {
		return packet{}, errPacketLength
	}
	return packet{code: b[0], id: b[1], data: b[headerLen:n], raw: b[:n]}, nil
}

// appendPacket appends a packet. data must be shorter than 64 KiB.
func appendPacket(dst []byte, code, id byte, data []byte) []byte {
	n := headerLen + len(data)
	dst = append(dst, code, id, byte(n>>8), byte(n))
	return append(dst, data...)
}
