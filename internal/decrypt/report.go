package decrypt

import (
	"net/netip"
	"time"
)

// Report says what became of the packets of a capture.
type Report struct {
	Packets uint64 // of the capture
	Control uint64 // TCP segments of control connections
	Acks    uint64 // GRE packets that only acknowledge
	Strange uint64 // GRE packets that are not PPTP's
	// Calls are those found, by their beginnings; Unlisted is how many there were beyond MaxCalls.
	Calls    []Call
	Unlisted int
}

// MaxCalls is how many calls a Report lists.
const MaxCalls = 10_000

// Call is one call.
type Call struct {
	Begin, End time.Time // its first and its last packet in the capture
	// Control reports whether its control connection is in the capture.
	Control bool
	// Login says what was seen of the login, Method how that was done, User who wanted in.
	Login  Login
	Method string
	User   string
	// Directions are what the client sent and what the server sent, where that is known; one that
	// was not seen at all has no addresses.
	Directions [2]Direction
}

// Login is what a capture tells of a login, and whether the password fits.
type Login int

// The states of a login.
const (
	LoginMissing   Login = iota // not in the capture
	LoginRight                  // the password gives the client's response
	LoginUnchecked              // the server's challenge is missing, so the response cannot be checked
	LoginWrong                  // the password does not give the client's response
	LoginUnknown                // there is no password for the user
	LoginRefused                // the server refused the client
	LoginKeyless                // by a method that gives no keys
)

// String says it in words.
func (l Login) String() string {
	return [...]string{"not in the capture", "the password is right", "the password cannot be checked", "the password is wrong",
		"no password for this user", "refused by the server", "gives no keys"}[l]
}

// Name is the state as one word, for programs.
func (l Login) Name() string {
	return [...]string{"missing", "right", "unchecked", "wrong", "unknown_user", "refused", "no_keys"}[l]
}

// Direction is one direction of a call.
type Direction struct {
	From, To netip.Addr // outside
	CallID   uint16     // in the GRE packets
	// Packets are the GRE packets with something in them. Each is one of Negotiation (LCP, CHAP,
	// CCP and what else PPP has), Plain, Deciphered or Missed.
	Packets, Negotiation uint64
	Plain                uint64 // IP packets in clear
	Deciphered           uint64
	Missed               [Reasons]uint64
	Bytes                uint64 // of the IP packets
	// Bits and Stateful say how it was encrypted last, or what was agreed on if nothing was
	// deciphered; Bits is 0 if that is not known.
	Bits     int
	Stateful bool
}

// Left is how many packets of data were not deciphered.
func (d *Direction) Left() (n uint64) {
	for _, m := range d.Missed {
		n += m
	}
	return n
}

// Reason is why a packet could not be had.
type Reason int

// The reasons.
const (
	NoLogin Reason = iota
	WrongPassword
	UnknownUser
	NoKeys
	Duplicate
	Late
	Waiting
	Beyond
	Implausible
	Cut
	Malformed
	NotIP
	Reasons // how many there are
)

// String says it in words.
func (r Reason) String() string {
	return [...]string{
		NoLogin:       "the login is not in the capture",
		WrongPassword: "the password is wrong",
		UnknownUser:   "no password for the user",
		NoKeys:        "the login gives no keys",
		Duplicate:     "seen twice",
		Late:          "late, its key is gone",
		Waiting:       "packets before it are missing (stateful)",
		Beyond:        "first after many missing",
		Implausible:   "does not decipher",
		Cut:           "cut short (capture with -s 0)",
		Malformed:     "malformed",
		NotIP:         "not IP",
	}[r]
}

// Name is the reason as one word, for programs.
func (r Reason) Name() string {
	return [...]string{
		NoLogin: "no_login", WrongPassword: "wrong_password", UnknownUser: "unknown_user", NoKeys: "no_keys",
		Duplicate: "duplicate", Late: "late", Waiting: "waiting_for_flush", Beyond: "beyond_lookahead",
		Implausible: "implausible", Cut: "cut", Malformed: "malformed", NotIP: "not_ip",
	}[r]
}
