package gre

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	// MinHeader is the length in bytes of a header with neither sequence nor acknowledgment number.
	MinHeader = 8
	// MaxHeader is the length in bytes of a header with both.
	MaxHeader = 16
	// AckOnlyLen is the length in bytes of a packet that only acknowledges (RFC 2637 section 4.1:
	// S=0, A=1).
	AckOnlyLen = 12

	callIDAt = 6 // where in a header the call ID is
)

// The first 32 bits of a PPTP packet: C=0 R=0 K=1 s=0, recursion 0, flags 0, version 1, protocol
// 0x880B. Only S and A may vary, so everything else is compared at once.
const (
	fixedBits = 0x2001880B
	fixedMask = 0xEF7FFFFF
	bitSeq    = 0x10000000
	bitAck    = 0x00800000
)

// Errors of Parse. They are values, so that a flood of bad packets costs no allocation.
var (
	// ErrShort: the packet ends before its header does.
	ErrShort = errors.New("gre: packet ends within its header")
	// ErrNotPPTP: a flag, the version or the protocol type is not that of RFC 2637 section 4.1.
	ErrNotPPTP = errors.New("gre: not a PPTP packet: wrong flags, version or protocol type")
	// ErrPayloadLength: the length field promises more bytes than are there.
	ErrPayloadLength = errors.New("gre: payload length is longer than the packet")
	// ErrUnsequenced: there is a payload but no sequence number to place it by.
	ErrUnsequenced = errors.New("gre: payload without a sequence number")
	// ErrEmpty: there is neither a payload nor a pure acknowledgment. The header that comes with it
	// is sound, so its acknowledgment number, if any, may be used; its sequence number places no
	// frame.
	ErrEmpty = errors.New("gre: neither payload nor acknowledgment")
)

// Header is the enhanced GRE header (RFC 2637 section 4.1).
type Header struct {
	CallID     uint16 // the receiver's call ID; 0 is as good as any other
	PayloadLen uint16 // bytes after the header
	HasSeq     bool   // S: there is a payload, and Seq is its number
	HasAck     bool   // A: Ack is the highest sequence number the sender has received
	Seq, Ack   uint32
}

// Len returns the length in bytes of the encoded header: 8, 12 or 16.
func (h Header) Len() int {
	n := MinHeader
	if h.HasSeq {
		n += 4
	}
	if h.HasAck {
		n += 4
	}
	return n
}

// Put writes the header at the start of b, which must hold Len bytes, and returns Len.
func (h Header) Put(b []byte) int {
	n := h.Len()
	_ = b[n-1]
	word := uint32(fixedBits)
	at := MinHeader
	if h.HasSeq {
		word |= bitSeq
		binary.BigEndian.PutUint32(b[at:], h.Seq)
		at += 4
	}
	if h.HasAck {
		word |= bitAck
		binary.BigEndian.PutUint32(b[at:], h.Ack)
	}
	binary.BigEndian.PutUint32(b, word)
	binary.BigEndian.PutUint16(b[4:], h.PayloadLen)
	binary.BigEndian.PutUint16(b[6:], h.CallID)
	return n
}

// AppendTo appends the encoded header to b.
func (h Header) AppendTo(b []byte) []byte {
	var buf [MaxHeader]byte
	return append(b, buf[:h.Put(buf[:])]...)
}

// AckOnly returns the header of a packet that only acknowledges: no sequence number is consumed.
func AckOnly(callID uint16, ack uint32) Header {
	return Header{CallID: callID, HasAck: true, Ack: ack}
}

// Parse reads the header of b, one GRE packet without its IP header, and returns it with the
// payload, a part of b. Bytes after the payload are padding and are cut. The error is one of the
// sentinels of this package; with ErrEmpty the header is valid all the same.
func Parse(b []byte) (Header, []byte, error) {
	if len(b) < MinHeader {
		return Header{}, nil, ErrShort
	}
	word := binary.BigEndian.Uint32(b)
	if word&fixedMask != fixedBits {
		return Header{}, nil, ErrNotPPTP
	}
	h := Header{
		PayloadLen: binary.BigEndian.Uint16(b[4:]),
		CallID:     binary.BigEndian.Uint16(b[6:]),
		HasSeq:     word&bitSeq != 0,
		HasAck:     word&bitAck != 0,
	}
	n := h.Len()
	if len(b) < n {
		return Header{}, nil, ErrShort
	}
	at := MinHeader
	if h.HasSeq {
		h.Seq = binary.BigEndian.Uint32(b[at:])
		at += 4
	}
	if h.HasAck {
		h.Ack = binary.BigEndian.Uint32(b[at:])
	}
	payload := b[n:]
	switch {
	case int(h.PayloadLen) > len(payload):
		return Header{}, nil, ErrPayloadLength
	case h.PayloadLen == 0 && (h.HasSeq || !h.HasAck):
		return h, nil, ErrEmpty
	case h.PayloadLen > 0 && !h.HasSeq:
		return Header{}, nil, ErrUnsequenced
	}
	return h, payload[:h.PayloadLen], nil
}

// String shows the header on one line, for logs.
func (h Header) String() string {
	s := fmt.Sprintf("call %d, %d bytes", h.CallID, h.PayloadLen)
	if h.HasSeq {
		s += fmt.Sprintf(", seq %d", h.Seq)
	}
	if h.HasAck {
		s += fmt.Sprintf(", ack %d", h.Ack)
	}
	return s
}
