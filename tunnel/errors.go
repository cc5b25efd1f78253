package tunnel

import (
	"errors"
	"fmt"
)

// Class says what kind of thing ended a tunnel, so that a program can choose its exit code and
// whether to try again.
type Class int

// The classes of failure.
const (
	ClassOther      Class = iota
	ClassAuth             // the peer refused our credentials, or could not prove its own
	ClassNetwork          // no connection, no GRE, a peer that fell silent
	ClassPolicy           // the two ends do not agree on authentication or encryption
	ClassPermission       // this process may not do what the tunnel needs
	ClassPeer             // the peer ended the call in order
	ClassAdmin            // this end was asked to stop
	ClassReplaced         // the user has logged in elsewhere, and the server ended this session for that one
	ClassIdle             // no packet passed for ClientConfig.IdleTimeout
)

var classNames = [...]string{"other", "authentication", "network", "policy", "permission", "closed by peer", "stopped", "logged in elsewhere", "idle"}

func (c Class) String() string {
	if c < 0 || int(c) >= len(classNames) {
		return fmt.Sprintf("class %d", int(c))
	}
	return classNames[c]
}

// Error is why a tunnel could not be made or has ended. Its text is for people: it names what was
// wrong and the remedy.
type Error struct {
	Class Class
	Text  string
	Err   error // the cause, or nil

	refused  bool // ClassAuth: the server refused the account at login
	password bool // refused, and another password might not be
	proven   bool // refused, in answer to the login and not in a packet that anybody can forge
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Text
	}
	return e.Text + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

func failure(c Class, cause error, format string, args ...any) *Error {
	return &Error{Class: c, Text: fmt.Sprintf(format, args...), Err: cause}
}

// ClassOf gives the class of an error from this package, and ClassOther for any other error.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return ClassOther
}

// WrongPassword reports whether an attempt ended because the server took the user name or the
// password for wrong when the client logged in, so that another password may do.
func WrongPassword(err error) bool {
	var e *Error
	return refusedAtLogin(err) && errors.As(err, &e) && e.password
}

// refusedAtLogin reports whether an attempt ended because the server refused the account when the
// client logged in.
func refusedAtLogin(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Class == ClassAuth && e.refused
}

// refusedInAnswer reports whether that was the answer to the login, whose identifier a forger has
// to guess.
func refusedInAnswer(err error) bool {
	var e *Error
	return refusedAtLogin(err) && errors.As(err, &e) && e.proven
}
