package control

import (
	"encoding/binary"
	"fmt"
)

// WANErrorNotify reports errors of the PAC's PPP line, cumulative since the call began
// (WAN-Error-Notify, RFC 2637 section 2.14).
type WANErrorNotify struct {
	PeerCallID uint16 // assigned by the PNS
	CRC        uint32
	Framing    uint32
	Hardware   uint32 // overruns
	Buffer     uint32 // overruns
	Timeout    uint32
	Alignment  uint32
}

// Type is TypeWANErrorNotify.
func (WANErrorNotify) Type() Type { return TypeWANErrorNotify }

// AppendTo appends the message to b.
func (m WANErrorNotify) AppendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(appendHeader(b, m.Type()), m.PeerCallID)
	b = append(b, 0, 0)
	for _, n := range []uint32{m.CRC, m.Framing, m.Hardware, m.Buffer, m.Timeout, m.Alignment} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

func parseWANErrorNotify(r *reader) Message {
	var m WANErrorNotify
	m.PeerCallID = r.u16()
	r.skip(2)
	m.CRC, m.Framing, m.Hardware = r.u32(), r.u32(), r.u32()
	m.Buffer, m.Timeout, m.Alignment = r.u32(), r.u32(), r.u32()
	return m
}

func (m WANErrorNotify) String() string {
	return fmt.Sprintf("%s peer call %d crc %d framing %d hardware %d buffer %d timeout %d alignment %d",
		m.Type(), m.PeerCallID, m.CRC, m.Framing, m.Hardware, m.Buffer, m.Timeout, m.Alignment)
}
