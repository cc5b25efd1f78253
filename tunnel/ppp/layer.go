package ppp

// plainLayer has the answers of a layer that has nothing to say on a matter.
type plainLayer struct{}

func (plainLayer) acked([]byte) bool     { return true }
func (plainLayer) repeats() bool         { return false }
func (plainLayer) extra(packet) bool     { return false }
func (plainLayer) echo(packet)           {}
func (plainLayer) started()              {}
func (plainLayer) peerTerminates([]byte) {}
func (plainLayer) terminateText() []byte { return nil }

// codeRejected: without the codes of RFC 1661 section 5 there is no negotiation.
func (plainLayer) codeRejected(code byte) bool {
	return code < codeConfigureRequest || code > codeCodeReject
}
