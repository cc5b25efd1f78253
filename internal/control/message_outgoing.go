package control

import (
	"encoding/binary"
	"fmt"
)

// OutgoingCallRequest asks the PAC for a call (Outgoing-Call-Request, RFC 2637 section 2.7).
type OutgoingCallRequest struct {
	CallID      uint16 // assigned by the PNS; the PAC puts it into its GRE packets
	Serial      uint16
	MinBPS      uint32 // bits a second
	MaxBPS      uint32 // bits a second
	Bearer      uint32 // 1 analog, 2 digital, 3 any
	Framing     uint32 // 1 asynchronous, 2 synchronous, 3 either
	Window      uint16 // packets the PNS buffers
	Delay       uint16 // packet processing delay of the PNS, tenths of a second
	PhoneLength uint16 // digits that count in Phone
	Phone       string // at most 64 bytes
	Subaddress  string // at most 64 bytes
}

// Type is TypeOutgoingCallRequest.
func (OutgoingCallRequest) Type() Type { return TypeOutgoingCallRequest }

// AppendTo appends the message to b.
func (m OutgoingCallRequest) AppendTo(b []byte) []byte {
	b = appendHeader(b, m.Type())
	b = binary.BigEndian.AppendUint16(b, m.CallID)
	b = binary.BigEndian.AppendUint16(b, m.Serial)
	b = binary.BigEndian.AppendUint32(b, m.MinBPS)
	b = binary.BigEndian.AppendUint32(b, m.MaxBPS)
	b = binary.BigEndian.AppendUint32(b, m.Bearer)
	b = binary.BigEndian.AppendUint32(b, m.Framing)
	b = binary.BigEndian.AppendUint16(b, m.Window)
	b = binary.BigEndian.AppendUint16(b, m.Delay)
	b = binary.BigEndian.AppendUint16(b, m.PhoneLength)
	b = append(b, 0, 0)
	b = appendText(b, m.Phone, textLen)
	return appendText(b, m.Subaddress, textLen)
}

func parseOutgoingCallRequest(r *reader) Message {
	var m OutgoingCallRequest
	m.CallID, m.Serial = r.u16(), r.u16()
	m.MinBPS, m.MaxBPS = r.u32(), r.u32()
	m.Bearer, m.Framing = r.u32(), r.u32()
	m.Window, m.Delay = r.u16(), r.u16()
	m.PhoneLength = r.u16()
	r.skip(2)
	m.Phone, m.Subaddress = r.text(textLen), r.text(textLen)
	return m
}

func (m OutgoingCallRequest) String() string {
	return fmt.Sprintf("%s call %d serial %d bps %d to %d bearer %d framing %d window %d delay %d phone %s subaddress %s",
		m.Type(), m.CallID, m.Serial, m.MinBPS, m.MaxBPS, m.Bearer, m.Framing, m.Window, m.Delay, quote(m.Phone), quote(m.Subaddress))
}

// OutgoingCallReply answers an OutgoingCallRequest (Outgoing-Call-Reply, RFC 2637 section 2.8).
type OutgoingCallReply struct {
	CallID       uint16 // assigned by the PAC; the PNS puts it into its GRE packets
	PeerCallID   uint16 // of the request
	Result       uint8  // CallConnected and its kin
	Error        uint8
	Cause        uint16
	ConnectSpeed uint32 // bits a second
	Window       uint16 // packets the PAC buffers
	Delay        uint16 // packet processing delay of the PAC, tenths of a second
	Channel      uint32
}

// Type is TypeOutgoingCallReply.
func (OutgoingCallReply) Type() Type { return TypeOutgoingCallReply }

// AppendTo appends the message to b.
func (m OutgoingCallReply) AppendTo(b []byte) []byte {
	b = appendHeader(b, m.Type())
	b = binary.BigEndian.AppendUint16(b, m.CallID)
	b = binary.BigEndian.AppendUint16(b, m.PeerCallID)
	b = append(b, m.Result, m.Error)
	b = binary.BigEndian.AppendUint16(b, m.Cause)
	b = binary.BigEndian.AppendUint32(b, m.ConnectSpeed)
	b = binary.BigEndian.AppendUint16(b, m.Window)
	b = binary.BigEndian.AppendUint16(b, m.Delay)
	return binary.BigEndian.AppendUint32(b, m.Channel)
}

func parseOutgoingCallReply(r *reader) Message {
	var m OutgoingCallReply
	m.CallID, m.PeerCallID = r.u16(), r.u16()
	m.Result, m.Error, m.Cause = r.u8(), r.u8(), r.u16()
	m.ConnectSpeed = r.u32()
	m.Window, m.Delay = r.u16(), r.u16()
	m.Channel = r.u32()
	return m
}

func (m OutgoingCallReply) String() string {
	return fmt.Sprintf("%s call %d peer call %d result %d (%s) cause %d speed %d window %d delay %d channel %d",
		m.Type(), m.CallID, m.PeerCallID, m.Result, resultText(m.Type(), m.Result, m.Error), m.Cause, m.ConnectSpeed, m.Window, m.Delay, m.Channel)
}
