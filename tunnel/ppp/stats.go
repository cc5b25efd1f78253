package ppp

// Stats counts what a link met. Everything a peer sends that cannot be used ends
// in one of these counters.
type Stats struct {
	FramesIn, FramesOut uint64
	Malformed           uint64 // frames, packets or options with impossible lengths
	UnknownProtocol     uint64 // protocols nobody negotiated
	WrongPhase          uint64 // legal packets that came too early or too late
	WrongID             uint64 // answers to nothing we asked
	Repeated            uint64 // requests seen before, answered from memory or dropped
	UnknownCode         uint64
	RejectsSent         uint64 // Protocol-Reject and Code-Reject
	RejectsSuppressed   uint64 // the same, over the rate
	ProtocolRejectsIn   uint64 // rejections by the peer; a flood of them means that the keys differ
	EchoRequestsIn      uint64
	EchoRepliesIn       uint64
	Looped              uint64 // packets that carry our own magic number
	WrongMagic          uint64 // echoes that carry a magic number of neither side
	Retransmissions     uint64
	ResetRequestsIn     uint64
	ResetRequestsOut    uint64
	Renegotiations      uint64 // times LCP left the opened state
}
