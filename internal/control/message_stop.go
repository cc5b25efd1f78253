package control

import "fmt"

// StopRequest asks to end the control connection and with it all calls
// (Stop-Control-Connection-Request, RFC 2637 section 2.3).
type StopRequest struct {
	Reason uint8 // StopGeneral, StopProtocol, StopLocalShutdown
}

// Type is TypeStopRequest.
func (StopRequest) Type() Type { return TypeStopRequest }

// AppendTo appends the message to b.
func (m StopRequest) AppendTo(b []byte) []byte {
	return append(appendHeader(b, m.Type()), m.Reason, 0, 0, 0)
}

func parseStopRequest(r *reader) Message { return StopRequest{Reason: r.u8()} }

func (m StopRequest) String() string {
	return fmt.Sprintf("%s reason %d (%s)", m.Type(), m.Reason, resultText(m.Type(), m.Reason, 0))
}

// StopReply answers a StopRequest (Stop-Control-Connection-Reply, RFC 2637 section 2.4).
type StopReply struct {
	Result uint8 // 1: closed
	Error  uint8
}

// Type is TypeStopReply.
func (StopReply) Type() Type { return TypeStopReply }

// AppendTo appends the message to b.
func (m StopReply) AppendTo(b []byte) []byte {
	return append(appendHeader(b, m.Type()), m.Result, m.Error, 0, 0)
}

func parseStopReply(r *reader) Message { return StopReply{Result: r.u8(), Error: r.u8()} }

func (m StopReply) String() string {
	return fmt.Sprintf("%s result %d (%s)", m.Type(), m.Result, resultText(m.Type(), m.Result, m.Error))
}
