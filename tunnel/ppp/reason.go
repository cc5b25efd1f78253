package ppp

import "fmt"

// Class says what kind of thing ended a link.
type Class int

// The classes.
const (
	ClassAdmin   Class = iota + 1 // this side closed it: Close, or an owner's error
	ClassAuth                     // a name, password or proof was wrong
	ClassPolicy                   // the peers do not agree on authentication or encryption
	ClassTimeout                  // the peer does not answer
	ClassPeer                     // the peer closed it, or does not speak the protocol
	ClassLoop                     // our own frames come back
)

// String is the class in one word.
func (c Class) String() string {
	switch c {
	case ClassAdmin:
		return "admin"
	case ClassAuth:
		return "auth"
	case ClassPolicy:
		return "policy"
	case ClassTimeout:
		return "timeout"
	case ClassPeer:
		return "peer"
	case ClassLoop:
		return "loop"
	}
	return fmt.Sprintf("Class(%d)", int(c))
}

// DownError is why a link went down. It never holds a password; text that came
// from the peer is cut to 200 bytes and its control characters are replaced.
type DownError struct {
	Class   Class
	Message string // for people, one line, no full stop
	// Code is the MS-CHAP error number (RFC 2759 section 6) of a refused
	// authentication, such as 691, or the error number with which Windows ends a
	// link; 0 where there is none.
	Code int
	// Unproven: of ClassAuth, the server did not prove that it knows the password;
	// the account was not refused.
	Unproven bool
	// Forgeable: of ClassAuth, a Terminate-Request said so and no answer to our login; anybody
	// who can forge a packet of the link can say that.
	Forgeable bool
	// AskedEAP: of a client, the server asked for EAP, was asked for a method that comes first
	// (Config.Auth), and has none such. With EAP in front a new link may come up.
	AskedEAP bool
	// NothingReceived: not one PPP frame arrived since Open. On a PPTP call
	// whose control connection is up this means that GRE does not get through.
	NothingReceived bool
	// CallCleared: LowerDown ended the link, before either side had begun to.
	CallCleared bool
	// WasUp: the network had been up by then. Whatever the class, what ended was a
	// link that both sides had agreed on: nothing says that a new one would fail.
	WasUp bool
}

// Error is the message.
func (e *DownError) Error() string { return e.Message }

// down makes a DownError.
func down(c Class, format string, args ...any) *DownError {
	return &DownError{Class: c, Message: fmt.Sprintf(format, args...)}
}

// maxPeerText bounds text from the peer in messages, in bytes.
const maxPeerText = 200

// printable makes text from the peer fit for a message or a log line: bytes that
// are not printable ASCII become '?', and what is too long is cut.
func printable(b []byte) string {
	b = b[:min(len(b), maxPeerText)]
	out := make([]byte, len(b))
	for i, c := range b {
		if c < 0x20 || c > 0x7E {
			c = '?'
		}
		out[i] = c
	}
	return string(out)
}
