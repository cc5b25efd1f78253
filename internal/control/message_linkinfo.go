package control

import (
	"encoding/binary"
	"fmt"
)

// SetLinkInfo tells the PAC which control characters PPP escapes (Set-Link-Info, RFC 2637 section
// 2.15). It goes from PNS to PAC only, and means nothing on a line without escaping, such as GRE.
type SetLinkInfo struct {
	PeerCallID uint16 // assigned by the PAC
	SendACCM   uint32
	RecvACCM   uint32
}

// Type is TypeSetLinkInfo.
func (SetLinkInfo) Type() Type { return TypeSetLinkInfo }

// AppendTo appends the message to b.
func (m SetLinkInfo) AppendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(appendHeader(b, m.Type()), m.PeerCallID)
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint32(b, m.SendACCM)
	return binary.BigEndian.AppendUint32(b, m.RecvACCM)
}

func parseSetLinkInfo(r *reader) Message {
	var m SetLinkInfo
	m.PeerCallID = r.u16()
	r.skip(2)
	m.SendACCM, m.RecvACCM = r.u32(), r.u32()
	return m
}

func (m SetLinkInfo) String() string {
	return fmt.Sprintf("%s peer call %d send ACCM %#08x receive ACCM %#08x", m.Type(), m.PeerCallID, m.SendACCM, m.RecvACCM)
}
