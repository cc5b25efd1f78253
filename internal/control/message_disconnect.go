package control

import (
	"encoding/binary"
	"fmt"
	"strings"
)

const statisticsLen = 128

// CallClearRequest asks the PAC to end a call (Call-Clear-Request, RFC 2637 section 2.12).
type CallClearRequest struct {
	CallID uint16 // assigned by the PNS, the sender
}

// Type is TypeCallClearRequest.
func (CallClearRequest) Type() Type { return TypeCallClearRequest }

// AppendTo appends the message to b.
func (m CallClearRequest) AppendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(appendHeader(b, m.Type()), m.CallID)
	return append(b, 0, 0)
}

func parseCallClearRequest(r *reader) Message { return CallClearRequest{CallID: r.u16()} }

func (m CallClearRequest) String() string { return fmt.Sprintf("%s call %d", m.Type(), m.CallID) }

// CallDisconnectNotify says that a call has ended, and why (Call-Disconnect-Notify, RFC 2637
// section 2.13).
type CallDisconnectNotify struct {
	CallID     uint16 // assigned by the PAC, the sender
	Result     uint8  // DisconnectLostCarrier and its kin
	Error      uint8
	Cause      uint16
	Statistics string // at most 128 bytes
}

// Said is what the statistics say to people: their text without blanks around it.
func (m CallDisconnectNotify) Said() string { return strings.TrimSpace(m.Statistics) }

// Type is TypeCallDisconnectNotify.
func (CallDisconnectNotify) Type() Type { return TypeCallDisconnectNotify }

// AppendTo appends the message to b.
func (m CallDisconnectNotify) AppendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(appendHeader(b, m.Type()), m.CallID)
	b = append(b, m.Result, m.Error)
	b = binary.BigEndian.AppendUint16(b, m.Cause)
	b = append(b, 0, 0)
	return appendText(b, m.Statistics, statisticsLen)
}

func parseCallDisconnectNotify(r *reader) Message {
	var m CallDisconnectNotify
	m.CallID = r.u16()
	m.Result, m.Error, m.Cause = r.u8(), r.u8(), r.u16()
	r.skip(2)
	m.Statistics = r.text(statisticsLen)
	return m
}

func (m CallDisconnectNotify) String() string {
	return fmt.Sprintf("%s call %d result %d (%s) cause %d statistics %s",
		m.Type(), m.CallID, m.Result, resultText(m.Type(), m.Result, m.Error), m.Cause, quote(m.Statistics))
}
