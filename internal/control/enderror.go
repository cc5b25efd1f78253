package control

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
)

// EndError is why a call or a control connection ended, was refused or never came to be: the Reason
// of CallDown and Closed.
type EndError struct {
	// Kind is ErrRefused, ErrTimeout, ErrPeerClosed, ErrLocalClosed, ErrLost or ErrProtocol;
	// errors.Is finds it.
	Kind error
	// Text is the whole reason for people, one line: who did what, and by which message and codes.
	Text string
	// Message is the type of the peer's message that ended it, 0 if none did; Result, General and
	// Cause are its codes: Result Code or Reason, Error Code, Cause Code.
	Message         Type
	Result, General uint8
	Cause           uint16
	// Said is what the peer's Call-Disconnect-Notify carried as call statistics, printable ASCII.
	// Some peers have nothing there, some numbers; ours have a sentence.
	Said string
	// Err is the error of TCP, or nil.
	Err error
}

func (e *EndError) Error() string { return e.Text }

// Unwrap gives the kind, and the error of TCP.
func (e *EndError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// because makes a reason out of words.
func because(kind error, format string, args ...any) *EndError {
	return &EndError{Kind: kind, Text: fmt.Sprintf(format, args...)}
}

// shutDown is the reason of an end that this side asked for.
func shutDown() *EndError { return because(ErrLocalClosed, "shut down here") }

// byMessage makes a reason out of a message of the peer's: what it did, and the message's codes in
// words and numbers.
func byMessage(kind error, what string, e EndError) *EndError {
	var parts []string
	word := "result"
	if e.Message == TypeStopRequest {
		word = "reason"
	}
	parts = append(parts, e.Message.String(), fmt.Sprintf("%s %d", word, e.Result))
	if e.General != 0 {
		parts = append(parts, fmt.Sprintf("error %d", e.General))
	}
	if e.Cause != 0 {
		parts = append(parts, fmt.Sprintf("cause %d", e.Cause))
	}
	text := resultText(e.Message, e.Result, e.General)
	if e.Said != "" {
		text += ": " + quote(e.Said)
	}
	e.Kind, e.Text = kind, fmt.Sprintf("%s: %s (%s)", what, text, strings.Join(parts, ", "))
	return &e
}

// lost is why a control connection is gone whose TCP connection has ended or failed; cause is nil,
// or io.EOF, if the peer closed it.
func (c *connection) lost(cause error) *EndError {
	e := &EndError{Kind: ErrLost, Err: cause}
	reset := errors.Is(cause, syscall.ECONNRESET) || errors.Is(cause, syscall.EPIPE)
	closed := cause == nil || errors.Is(cause, io.EOF)
	switch {
	case closed:
		e.Err = nil
	case reset:
	default:
		e.Text = fmt.Sprintf("the control connection to the %s broke: %v", c.peerName, cause)
		return e
	}
	switch {
	case c.state == stateWaitStart && c.role.dials():
		e.Text = "the server hung up before answering: mostly it does not serve this address, or the port is not that of a PPTP server"
	case c.state == stateWaitStart || c.state == stateIdle:
		e.Text = fmt.Sprintf("the %s hung up before saying anything", c.peerName)
	case reset:
		e.Text = fmt.Sprintf("the %s reset the control connection, as when its program is killed or its machine restarts", c.peerName)
	default:
		e.Text = fmt.Sprintf("the %s closed the control connection without a word, as when its program is killed", c.peerName)
	}
	return e
}
