package control

import (
	"encoding/binary"
	"fmt"
)

// Framing and bearer capabilities (RFC 2637 section 2.1): both kinds of either.
const (
	anyFraming = 3
	anyBearer  = 3
)

// StartRequest opens the control connection (Start-Control-Connection-Request, RFC 2637 section
// 2.1).
type StartRequest struct {
	Version     uint16
	Framing     uint32 // capability bits: 1 asynchronous, 2 synchronous
	Bearer      uint32 // capability bits: 1 analog, 2 digital
	MaxChannels uint16 // sessions a PAC can support; 0 from a PNS
	Firmware    uint16
	HostName    string // at most 64 bytes
	Vendor      string // at most 64 bytes
}

// Type is TypeStartRequest.
func (StartRequest) Type() Type { return TypeStartRequest }

// AppendTo appends the message to b.
func (m StartRequest) AppendTo(b []byte) []byte {
	b = appendHeader(b, m.Type())
	b = binary.BigEndian.AppendUint16(b, m.Version)
	b = append(b, 0, 0)
	return appendCapabilities(b, m.Framing, m.Bearer, m.MaxChannels, m.Firmware, m.HostName, m.Vendor)
}

func appendCapabilities(b []byte, framing, bearer uint32, channels, firmware uint16, host, vendor string) []byte {
	b = binary.BigEndian.AppendUint32(b, framing)
	b = binary.BigEndian.AppendUint32(b, bearer)
	b = binary.BigEndian.AppendUint16(b, channels)
	b = binary.BigEndian.AppendUint16(b, firmware)
	b = appendText(b, host, textLen)
	return appendText(b, vendor, textLen)
}

func parseStartRequest(r *reader) Message {
	var m StartRequest
	m.Version = r.u16()
	r.skip(2)
	m.Framing, m.Bearer = r.u32(), r.u32()
	m.MaxChannels, m.Firmware = r.u16(), r.u16()
	m.HostName, m.Vendor = r.text(textLen), r.text(textLen)
	return m
}

func (m StartRequest) String() string {
	return fmt.Sprintf("%s version %#04x framing %d bearer %d channels %d firmware %d host %s vendor %s",
		m.Type(), m.Version, m.Framing, m.Bearer, m.MaxChannels, m.Firmware, quote(m.HostName), quote(m.Vendor))
}

// StartReply answers a StartRequest (Start-Control-Connection-Reply, RFC 2637 section 2.2).
type StartReply struct {
	Version     uint16
	Result      uint8 // StartOK and its kin
	Error       uint8 // general error code, if Result is 2
	Framing     uint32
	Bearer      uint32
	MaxChannels uint16
	Firmware    uint16
	HostName    string // at most 64 bytes
	Vendor      string // at most 64 bytes
}

// Type is TypeStartReply.
func (StartReply) Type() Type { return TypeStartReply }

// AppendTo appends the message to b.
func (m StartReply) AppendTo(b []byte) []byte {
	b = appendHeader(b, m.Type())
	b = binary.BigEndian.AppendUint16(b, m.Version)
	b = append(b, m.Result, m.Error)
	return appendCapabilities(b, m.Framing, m.Bearer, m.MaxChannels, m.Firmware, m.HostName, m.Vendor)
}

func parseStartReply(r *reader) Message {
	var m StartReply
	m.Version = r.u16()
	m.Result, m.Error = r.u8(), r.u8()
	m.Framing, m.Bearer = r.u32(), r.u32()
	m.MaxChannels, m.Firmware = r.u16(), r.u16()
	m.HostName, m.Vendor = r.text(textLen), r.text(textLen)
	return m
}

func (m StartReply) String() string {
	return fmt.Sprintf("%s version %#04x result %d (%s) framing %d bearer %d channels %d firmware %d host %s vendor %s",
		m.Type(), m.Version, m.Result, resultText(m.Type(), m.Result, m.Error), m.Framing, m.Bearer, m.MaxChannels,
		m.Firmware, quote(m.HostName), quote(m.Vendor))
}
