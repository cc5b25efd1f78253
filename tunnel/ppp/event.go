package ppp

import "net/netip"

// Event is something the owner of a link must know. It is one of the types below.
type Event interface{ event() }

// AuthSucceeded: the peer is who it says (server), or the server has taken us
// and, with MS-CHAPv2 in CHAP or EAP, has proved that it knows the password (client). It comes
// again after every renegotiation of LCP, not after a mere rechallenge.
type AuthSucceeded struct {
	User   string // server: the account's name as Lookup knew it
	Method AuthMethod
}

// AuthFailed: authentication was refused; LinkDown follows.
type AuthFailed struct {
	User    string // as the peer sent it: quote it in logs
	Method  AuthMethod
	Code    int    // MS-CHAP error number (RFC 2759 section 6), 0 if there is none
	Message string // for people
	Barred  bool   // the password was not looked at (Config.Barred)
	// Unproven: the server did not refuse the account, but does not prove that it knows the
	// password.
	Unproven bool
}

// Notice: what the server has to say to its user while EAP is spoken (RFC 3748 section 5.2). Of a
// link there are [maxNotices] at most.
type Notice struct {
	Text string // printable ASCII, at most 200 bytes
}

// Direction is how packets of one direction are encrypted.
type Direction struct {
	Key       []byte // MPPE start key (RFC 3079 section 3): 8 bytes for 40 and 56 bits, else 16
	Strength  int    // bits: 40, 56, 128
	Stateless bool
}

// EncryptionUp: CCP is open both ways. From here on user data goes only inside
// protocol 0x00FD, and clear user data from the peer must be dropped. It comes
// again, with new keys, after a renegotiation of LCP.
type EncryptionUp struct {
	Send, Recv Direction
}

// ResetRequested: the peer of a stateful session lost packets; the encrypter
// must start over and set FLUSHED in its next packet (RFC 3078 section 8.2). The
// Reset-Ack has been sent.
type ResetRequested struct{}

// NetworkUp: user data may flow. It comes when IPCP has opened, with IPV6CP if
// that opens soon, and again whenever one of them changes, each time with the
// whole state; an address that is not valid means that its protocol is not open.
type NetworkUp struct {
	Local, Remote         netip.Addr // IPv4; Remote may be missing on a client whose server names none that can be used
	Unused                netip.Addr // what such a server calls itself: one of Config.Forbidden, say
	DNS                   []netip.Addr
	LocalIPv6, RemoteIPv6 netip.Addr // link-local, fe80:: and the interface identifier
	SendMRU               int        // the peer's MRU, bytes of PPP information field
	PeerMagic             uint32     // the peer's magic number (RFC 1661 section 6.4), 0: none
	EchoNonce             uint64     // what the peer returns when it answers our echoes (EchoNonce), 0: nothing
	PFC, ACFC             bool       // the peer takes compressed protocol, address and control fields
}

// NetworkDown: user data must stop at once, in both directions.
type NetworkDown struct{}

// CaughtUp: the peer has worked off all that was sent before [Link.Ask] was called last.
type CaughtUp struct{}

// Closing: the link is going down; LinkDown follows when the peer has agreed or
// does not answer.
type Closing struct{ Reason *DownError }

// LinkDown is the last event of a link.
type LinkDown struct{ Reason *DownError }

func (AuthSucceeded) event()  {}
func (AuthFailed) event()     {}
func (Notice) event()         {}
func (EncryptionUp) event()   {}
func (ResetRequested) event() {}
func (NetworkUp) event()      {}
func (NetworkDown) event()    {}
func (CaughtUp) event()       {}
func (Closing) event()        {}
func (LinkDown) event()       {}
