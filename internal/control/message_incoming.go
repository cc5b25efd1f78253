package control

import (
	"encoding/binary"
	"fmt"
)

// IncomingCallRequest announces a call that reached the PAC (Incoming-Call-Request, RFC 2637
// section 2.9).
type IncomingCallRequest struct {
	CallID        uint16 // assigned by the PAC
	Serial        uint16
	Bearer        uint32 // 1 analog, 2 digital
	Channel       uint32
	DialedLength  uint16 // digits that count in Dialed
	DialingLength uint16 // digits that count in Dialing
	Dialed        string // at most 64 bytes
	Dialing       string // at most 64 bytes
	Subaddress    string // at most 64 bytes
}

// Type is TypeIncomingCallRequest.
func (IncomingCallRequest) Type() Type { return TypeIncomingCallRequest }

// AppendTo appends the message to b.
func (m IncomingCallRequest) AppendTo(b []byte) []byte {
	b = appendHeader(b, m.Type())
	b = binary.BigEndian.AppendUint16(b, m.CallID)
	b = binary.BigEndian.AppendUint16(b, m.Serial)
	b = binary.BigEndian.AppendUint32(b, m.Bearer)
	b = binary.BigEndian.AppendUint32(b, m.Channel)
	b = binary.BigEndian.AppendUint16(b, m.DialedLength)
	b = binary.BigEndian.AppendUint16(b, m.DialingLength)
	b = appendText(b, m.Dialed, textLen)
	b = appendText(b, m.Dialing, textLen)
	return appendText(b, m.Subaddress, textLen)
}

func parseIncomingCallRequest(r *reader) Message {
	var m IncomingCallRequest
	m.CallID, m.Serial = r.u16(), r.u16()
	m.Bearer, m.Channel = r.u32(), r.u32()
	m.DialedLength, m.DialingLength = r.u16(), r.u16()
	m.Dialed, m.Dialing, m.Subaddress = r.text(textLen), r.text(textLen), r.text(textLen)
	return m
}

func (m IncomingCallRequest) String() string {
	return fmt.Sprintf("%s call %d serial %d bearer %d channel %d dialed %s dialing %s subaddress %s",
		m.Type(), m.CallID, m.Serial, m.Bearer, m.Channel, quote(m.Dialed), quote(m.Dialing), quote(m.Subaddress))
}

// IncomingCallReply answers an IncomingCallRequest (Incoming-Call-Reply, RFC 2637 section 2.10).
type IncomingCallReply struct {
	CallID     uint16 // assigned by the PNS
	PeerCallID uint16 // of the request
	Result     uint8  // IncomingConnect, ResultGeneralError, IncomingDoNotAccept
	Error      uint8
	Window     uint16 // packets
	Delay      uint16 // tenths of a second
}

// Type is TypeIncomingCallReply.
func (IncomingCallReply) Type() Type { return TypeIncomingCallReply }

// AppendTo appends the message to b.
func (m IncomingCallReply) AppendTo(b []byte) []byte {
	b = appendHeader(b, m.Type())
	b = binary.BigEndian.AppendUint16(b, m.CallID)
	b = binary.BigEndian.AppendUint16(b, m.PeerCallID)
	b = append(b, m.Result, m.Error)
	b = binary.BigEndian.AppendUint16(b, m.Window)
	b = binary.BigEndian.AppendUint16(b, m.Delay)
	return append(b, 0, 0)
}

func parseIncomingCallReply(r *reader) Message {
	var m IncomingCallReply
	m.CallID, m.PeerCallID = r.u16(), r.u16()
	m.Result, m.Error = r.u8(), r.u8()
	m.Window, m.Delay = r.u16(), r.u16()
	return m
}

func (m IncomingCallReply) String() string {
	return fmt.Sprintf("%s call %d peer call %d result %d (%s) window %d delay %d",
		m.Type(), m.CallID, m.PeerCallID, m.Result, resultText(m.Type(), m.Result, m.Error), m.Window, m.Delay)
}

// IncomingCallConnected completes an incoming call (Incoming-Call-Connected, RFC 2637 section
// 2.11).
type IncomingCallConnected struct {
	PeerCallID   uint16 // assigned by the PNS
	ConnectSpeed uint32 // bits a second
	Window       uint16 // packets
	Delay        uint16 // tenths of a second
	Framing      uint32 // 1 asynchronous, 2 synchronous
}

// Type is TypeIncomingCallConnected.
func (IncomingCallConnected) Type() Type { return TypeIncomingCallConnected }

// AppendTo appends the message to b.
func (m IncomingCallConnected) AppendTo(b []byte) []byte {
	b = appendHeader(b, m.Type())
	b = binary.BigEndian.AppendUint16(b, m.PeerCallID)
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint32(b, m.ConnectSpeed)
	b = binary.BigEndian.AppendUint16(b, m.Window)
	b = binary.BigEndian.AppendUint16(b, m.Delay)
	return binary.BigEndian.AppendUint32(b, m.Framing)
}

func parseIncomingCallConnected(r *reader) Message {
	var m IncomingCallConnected
	m.PeerCallID = r.u16()
	r.skip(2)
	m.ConnectSpeed = r.u32()
	m.Window, m.Delay = r.u16(), r.u16()
	m.Framing = r.u32()
	return m
}

func (m IncomingCallConnected) String() string {
	return fmt.Sprintf("%s peer call %d speed %d window %d delay %d framing %d",
		m.Type(), m.PeerCallID, m.ConnectSpeed, m.Window, m.Delay, m.Framing)
}
