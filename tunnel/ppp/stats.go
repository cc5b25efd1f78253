package ppp

// Stats counts what a link met. Everything a peer sends that cannot be used ends
// in one of these counters.
type Stats struct {
	FramesIn, FramesOut uint64
	Malformed           uint64 // frames, packets or options with impossible lengths
	UnknownProtocol     uint64 // protocols nobody negotiated
	WrongPhase          uint64 // legal packets that came too early or too late
	WrongID             uint64 // answers to nothing we asked
	Forged              uint64 // requests to end or to start over that the peer cannot have sent: it lives on
	TooOften            uint64 // requests to start over, over the rate
	Repeated            uint64 // requests seen before, answered from memory or dropped
	UnknownCode         uint64
	RejectsSent         uint64 // Protocol-Reject and Code-Reject
	RejectsSuppressed   uint64 // the same, over the rate
	ProtocolRejectsIn   uint64 // rejections by the peer; a flood of them means that the keys differ
	RejectsDisbelieved  uint64 // rejections that quote nothing we sent, or of what the peer has agreed to
	EchoRequestsIn      uint64
	EchoRepliesIn       uint64
	Looped              uint64 // packets that carry our own magic number
	WrongMagic          uint64 // echoes that carry a magic number of neither side
	Retransmissions     uint64 // of any packet, when the restart timer ran out
	RequestsAgain       uint64 // Configure-Requests sent again at once, for the peer had not spoken the protocol before
	ResetRequestsIn     uint64
	ResetRequestsOut    uint64
	Renegotiations      uint64 // times LCP left the opened state
}
