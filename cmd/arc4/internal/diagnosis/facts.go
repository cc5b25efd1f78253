// Package diagnosis judges what a walk to a PPTP server has found: facts in, a verdict for each
// step out, with the remedy. It does nothing else: no sockets, no clock.
package diagnosis

import (
	"net/netip"
	"time"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// Facts are what is known so far. The zero value of a part is that its step has not been taken.
type Facts struct {
	Policy  Policy
	Lookup  Lookup
	Route   Route
	TCP     TCP
	Control Control
	GRE     GRE
	Link    Link
	Path    Path
}

// Policy is what this end asks for and accepts.
type Policy struct {
	Login bool // there is a user to log in as
	Auth  []ppp.AuthMethod
	MPPE  ppp.MPPEPolicy
	MTU   int // the largest IP packet in the tunnel, bytes
}

// Lookup is what became of the server's name.
type Lookup struct {
	Host  string       // as it was given
	Asked []netip.Addr // the name servers, in order
	Found []netip.Addr
	Err   error
}

// Route is the way to the server that the system would take.
type Route struct {
	Unknown   bool // this system cannot be asked
	Interface string
	Source    netip.Addr
	NextHop   netip.Addr // invalid: the server is on the link
	MTU       int        // of the route or the interface, bytes
	Err       error
}

// TCP is what became of the connection to the server's port.
type TCP struct {
	Server netip.AddrPort // the one that answered, or the last one tried
	Took   time.Duration
	Err    error
}

// Control is what the server said over TCP.
type Control struct {
	Started *control.Started
	Call    *control.CallUp
	Err     error // why the control connection or the call is not to be, or is over
}

// GRE is what passed, in packets.
type GRE struct {
	Sent         int
	Refused      error  // why this machine's system did not send one
	ICMP         string // who answered with what ICMP error, in words; empty: nobody
	Received     int
	AtDevice     int  // from the server, as they came to the interface, before any filter
	Acknowledged bool // the server has heard us
	// Farewell: nothing came for so long that the server was asked by GRE to end the call, and
	// HungUp, it did: by TCP.
	Farewell, HungUp bool
	// Permission is what this process lacks.
	Permission error
}

// Link is what PPP came to.
type Link struct {
	Heard    bool     // the server speaks LCP
	Open     bool     // LCP is open both ways
	MRU      int      // the server's, bytes; 0: it did not say
	Methods  []string // the server asked us to log in by, in the order in which it did
	Accepted bool     // one of those is accepted here
	LoggedIn *ppp.AuthSucceeded
	Refused  *ppp.AuthFailed

	Offered   []int // strengths of MPPE that the server asked for or suggested, in bits
	Stateful  bool  // it did so without the bit for stateless keys
	NoMPPE    bool  // it rejects MPPE or all of CCP
	Encrypted *Encryption
	Network   *ppp.NetworkUp
	Taken     string // why a client would refuse its address, which is ...; empty: it would not

	Down   *ppp.DownError // why the link has ended, or never came to be
	Ended  error          // why the server has ended the call below it
	Slow   bool           // the time was up
	Waited time.Duration  // of Slow
}

// Encryption is what MPPE runs with.
type Encryption struct {
	Bits      int
	Stateless bool
}

// Path is what echoes measured.
type Path struct {
	Largest    int  // IP packet in the tunnel that came back whole and was not to be fragmented, bytes; 0: none
	Wanted     int  // the largest that was tried, bytes
	Fragments  bool // one of Wanted comes back if it may be fragmented
	Cut        bool // the server does not return all of an echo, so that only the way there is proven
	PathMTU    int  // what a router said by ICMP, bytes; 0: none did
	TooBigHere bool // this machine's interface takes no larger one

	Sent, Returned  int // echoes
	LostThere       int // of them, on the way to the server; the others on the way back
	Late            int // GRE packets of the server that came after a later one
	LateThere       int // echoes that reached the server after a later one
	Farthest        int // packets that one of the server's was late by, at most
	Slowest         time.Duration
	Median, Percent time.Duration // round trip: half, and 95 % are no slower
}
