package mschap

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
)

// Success is the message of a Success packet (RFC 2759 section 5).
type Success struct {
	AuthenticatorResponse [20]byte
	Message               string
}

// ParseSuccess reads "S=<40 hex digits> M=<text>". The text, and the space in
// front of it, may be missing: some servers send neither. Errors:
// ErrNoAuthenticatorResponse, ErrBadHex.
func ParseSuccess(b []byte) (Success, error) {
	rest, ok := bytes.CutPrefix(b, []byte("S="))
	if !ok {
		return Success{}, ErrNoAuthenticatorResponse
	}
	var s Success
	if len(rest) < 40 {
		return Success{}, ErrBadHex
	}
	if _, err := hex.Decode(s.AuthenticatorResponse[:], rest[:40]); err != nil {
		return Success{}, ErrBadHex
	}
	_, text, _ := bytes.Cut(rest[40:], []byte("M="))
	s.Message = string(text)
	return s, nil
}

// AppendTo appends the message.
func (s Success) AppendTo(dst []byte) []byte {
	dst = fmt.Appendf(dst, "S=%X", s.AuthenticatorResponse[:])
	if s.Message != "" {
		dst = append(append(dst, " M="...), s.Message...)
	}
	return dst
}

// Error numbers of a Failure (RFC 2759 section 6).
const (
	RestrictedLogonHours  = 646
	AccountDisabled       = 647
	PasswordExpired       = 648
	NoDialinPermission    = 649
	AuthenticationFailure = 691
	ChangingPassword      = 709
)

// Describe puts an error number into words.
func Describe(code int) string {
	switch code {
	case RestrictedLogonHours:
		return "the account may not log on at this time of day"
	case AccountDisabled:
		return "the account is disabled"
	case PasswordExpired:
		return "the password has expired"
	case NoDialinPermission:
		return "the account has no permission to dial in"
	case AuthenticationFailure:
		return "wrong user name or password"
	case ChangingPassword:
		return "the password could not be changed"
	}
	return "the server gave no reason we know"
}

// Failure is the message of a Failure packet (RFC 2759 section 6).
type Failure struct {
	Code      int // 0: there was none
	Retry     bool
	Challenge [16]byte // for the retry; zero if there was none
	Version   int
	Message   string
}

// ParseFailure reads "E=691 R=1 C=<32 hex digits> V=3 M=<text>" as leniently as
// the servers in the world need: any field may be missing, in any order before
// M=, which takes the rest. A message with no field in it is all text.
func ParseFailure(b []byte) Failure {
	var f Failure
	rest, fields := b, 0
	for len(rest) > 0 {
		rest = bytes.TrimLeft(rest, " ")
		if len(rest) < 2 || rest[1] != '=' {
			break
		}
		key := rest[0]
		if key == 'M' {
			f.Message = string(rest[2:])
			return f
		}
		value, after, _ := bytes.Cut(rest[2:], []byte(" "))
		f.set(key, string(value))
		rest = after
		fields++
	}
	if fields == 0 {
		f.Message = string(b)
	}
	return f
}

// set takes one field; a value that cannot be read counts as missing.
func (f *Failure) set(key byte, value string) {
	switch key {
	case 'E':
		if n, err := strconv.ParseUint(value, 10, 31); err == nil {
			f.Code = int(n)
		}
	case 'R':
		f.Retry = value == "1"
	case 'C':
		if b, err := hex.DecodeString(value); err == nil && len(b) == len(f.Challenge) {
			f.Challenge = [16]byte(b)
		}
	case 'V':
		if n, err := strconv.ParseUint(value, 10, 31); err == nil {
			f.Version = int(n)
		}
	}
}

// AppendTo appends the message with all of its fields.
func (f Failure) AppendTo(dst []byte) []byte {
	retry := 0
	if f.Retry {
		retry = 1
	}
	return fmt.Appendf(dst, "E=%d R=%d C=%X V=%d M=%s", f.Code, retry, f.Challenge[:], f.Version, f.Message)
}
