package control

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	// Version is the protocol version spoken here: 1 in the high octet, revision 0 in the low one.
	Version = 0x0100

	magic             = 0x1A2B3C4D
	controlMessage    = 1 // PPTP Message Type
	managementMessage = 2
	headerLen         = 12 // length, message type, magic, control message type, reserved
	textLen           = 64 // of host name, vendor string, phone numbers
	maxMessageLen     = 220
)

// Type is the control message type (RFC 2637 section 1.4).
type Type uint16

// The control messages of RFC 2637 sections 2.1 to 2.15.
const (
	TypeStartRequest Type = iota + 1
	TypeStartReply
	TypeStopRequest
	TypeStopReply
	TypeEchoRequest
	TypeEchoReply
	TypeOutgoingCallRequest
	TypeOutgoingCallReply
	TypeIncomingCallRequest
	TypeIncomingCallReply
	TypeIncomingCallConnected
	TypeCallClearRequest
	TypeCallDisconnectNotify
	TypeWANErrorNotify
	TypeSetLinkInfo
)

// kinds has, for each type, its name in the RFC, its only length in bytes and its decoder.
var kinds = [...]struct {
	name   string
	length int
	parse  func(*reader) Message
}{
	TypeStartRequest:          {"Start-Control-Connection-Request", 156, parseStartRequest},
	TypeStartReply:            {"Start-Control-Connection-Reply", 156, parseStartReply},
	TypeStopRequest:           {"Stop-Control-Connection-Request", 16, parseStopRequest},
	TypeStopReply:             {"Stop-Control-Connection-Reply", 16, parseStopReply},
	TypeEchoRequest:           {"Echo-Request", 16, parseEchoRequest},
	TypeEchoReply:             {"Echo-Reply", 20, parseEchoReply},
	TypeOutgoingCallRequest:   {"Outgoing-Call-Request", 168, parseOutgoingCallRequest},
	TypeOutgoingCallReply:     {"Outgoing-Call-Reply", 32, parseOutgoingCallReply},
	TypeIncomingCallRequest:   {"Incoming-Call-Request", 220, parseIncomingCallRequest},
	TypeIncomingCallReply:     {"Incoming-Call-Reply", 24, parseIncomingCallReply},
	TypeIncomingCallConnected: {"Incoming-Call-Connected", 28, parseIncomingCallConnected},
	TypeCallClearRequest:      {"Call-Clear-Request", 16, parseCallClearRequest},
	TypeCallDisconnectNotify:  {"Call-Disconnect-Notify", 148, parseCallDisconnectNotify},
	TypeWANErrorNotify:        {"WAN-Error-Notify", 40, parseWANErrorNotify},
	TypeSetLinkInfo:           {"Set-Link-Info", 24, parseSetLinkInfo},
}

func (t Type) known() bool { return t >= TypeStartRequest && int(t) < len(kinds) }

// Len returns the only length in bytes a message of this type may have, header included; 0 if the
// type is unknown.
func (t Type) Len() int {
	if !t.known() {
		return 0
	}
	return kinds[t].length
}

func (t Type) String() string {
	if !t.known() {
		return fmt.Sprintf("control message %d", uint16(t))
	}
	return kinds[t].name
}

// Message is one control message.
type Message interface {
	Type() Type
	// AppendTo appends the whole message, header included, to b.
	AppendTo(b []byte) []byte
	// String shows the message on one line; text from the peer is quoted.
	String() string
}

// ErrProtocol is what a peer did that RFC 2637 forbids so that the stream cannot be followed any
// further: a length, magic cookie or message type that is not one.
var ErrProtocol = errors.New("control: protocol error")

// ErrUnknownType says that a message is framed well but of a type RFC 2637 does not define.
var ErrUnknownType = errors.New("control: unknown message type")

// Parse decodes one whole message. The error wraps ErrProtocol or ErrUnknownType. Reserved fields
// and bits are not judged.
func Parse(b []byte) (Message, error) {
	t, length, err := checkHeader(b)
	if err != nil {
		return nil, err
	}
	if length != len(b) {
		return nil, fmt.Errorf("%w: length field says %d in a message of %d bytes", ErrProtocol, length, len(b))
	}
	if t == 0 {
		return nil, ErrUnknownType
	}
	return kinds[t].parse(&reader{b: b[headerLen:]}), nil
}

// checkHeader judges as much of a header as b holds, so that a wrong stream is found out at the
// first wrong byte. It returns the length once two bytes are there, and the type, 0 if unknown,
// once the header is complete.
func checkHeader(b []byte) (t Type, length int, err error) {
	if len(b) < 2 {
		return 0, 0, errShort
	}
	length = int(binary.BigEndian.Uint16(b))
	if length < headerLen || length > maxMessageLen {
		return 0, length, fmt.Errorf("%w: message length %d, want %d to %d", ErrProtocol, length, headerLen, maxMessageLen)
	}
	if len(b) < 4 {
		return 0, length, errShort
	}
	kind := binary.BigEndian.Uint16(b[2:])
	if kind != controlMessage && kind != managementMessage {
		return 0, length, fmt.Errorf("%w: PPTP message type %d, want 1", ErrProtocol, kind)
	}
	if len(b) < 8 {
		return 0, length, errShort
	}
	if cookie := binary.BigEndian.Uint32(b[4:]); cookie != magic {
		return 0, length, fmt.Errorf("%w: magic cookie %#08x, want %#08x: not a PPTP peer, or out of step", ErrProtocol, cookie, uint32(magic))
	}
	if len(b) < headerLen {
		return 0, length, errShort
	}
	t = Type(binary.BigEndian.Uint16(b[8:]))
	if kind == managementMessage || !t.known() {
		return 0, length, nil
	}
	if length != t.Len() {
		return t, length, fmt.Errorf("%w: %s of %d bytes, want %d", ErrProtocol, t, length, t.Len())
	}
	return t, length, nil
}

// errShort is the error of a header that is sound so far.
var errShort = fmt.Errorf("%w: message ends within its header", ErrProtocol)

// appendHeader appends the header of a message of type t.
func appendHeader(b []byte, t Type) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(t.Len()))
	b = binary.BigEndian.AppendUint16(b, controlMessage)
	b = binary.BigEndian.AppendUint32(b, magic)
	b = binary.BigEndian.AppendUint16(b, uint16(t))
	return append(b, 0, 0)
}

// appendText appends s in a field of n bytes, cut or filled with zeros.
func appendText(b []byte, s string, n int) []byte {
	s = s[:min(len(s), n)]
	b = append(b, s...)
	return append(b, make([]byte, n-len(s))...)
}

// reader takes fields off a message body. The length of the message has been checked against its
// type, so there is always enough.
type reader struct{ b []byte }

func (r *reader) bytes(n int) []byte {
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) u8() uint8   { return r.bytes(1)[0] }
func (r *reader) u16() uint16 { return binary.BigEndian.Uint16(r.bytes(2)) }
func (r *reader) u32() uint32 { return binary.BigEndian.Uint32(r.bytes(4)) }
func (r *reader) skip(n int)  { r.bytes(n) }

// text takes a field of n bytes up to its first zero. What is not printable ASCII becomes '?', so
// that a peer's names can be logged and handed to other programs.
func (r *reader) text(n int) string {
	s, _, _ := strings.Cut(string(r.bytes(n)), "\x00")
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, s)
}

func quote(s string) string { return strconv.Quote(s) }
