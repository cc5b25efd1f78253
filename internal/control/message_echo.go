package control

import (
	"encoding/binary"
	"fmt"
)

// EchoRequest asks whether the peer is alive (Echo-Request, RFC 2637 section 2.5).
type EchoRequest struct {
	ID uint32
}

// Type is TypeEchoRequest.
func (EchoRequest) Type() Type { return TypeEchoRequest }

// AppendTo appends the message to b.
func (m EchoRequest) AppendTo(b []byte) []byte {
	return binary.BigEndian.AppendUint32(appendHeader(b, m.Type()), m.ID)
}

func parseEchoRequest(r *reader) Message { return EchoRequest{ID: r.u32()} }

func (m EchoRequest) String() string { return fmt.Sprintf("%s id %d", m.Type(), m.ID) }

// EchoReply answers an EchoRequest with its identifier (Echo-Reply, RFC 2637 section 2.6).
type EchoReply struct {
	ID     uint32
	Result uint8 // 1: OK
	Error  uint8
}

// Type is TypeEchoReply.
func (EchoReply) Type() Type { return TypeEchoReply }

// AppendTo appends the message to b.
func (m EchoReply) AppendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(appendHeader(b, m.Type()), m.ID)
	return append(b, m.Result, m.Error, 0, 0)
}

func parseEchoReply(r *reader) Message {
	return EchoReply{ID: r.u32(), Result: r.u8(), Error: r.u8()}
}

func (m EchoReply) String() string {
	return fmt.Sprintf("%s id %d result %d (%s)", m.Type(), m.ID, m.Result, resultText(m.Type(), m.Result, m.Error))
}
