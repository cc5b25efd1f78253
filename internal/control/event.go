package control

import (
	"errors"
	"fmt"
)

// Why a call or a control connection ended: the Reason of CallDown and Closed wraps one of these,
// or ErrProtocol.
var (
	// ErrRefused: the peer said no.
	ErrRefused = errors.New("control: refused by the peer")
	// ErrTimeout: the peer did not answer in time.
	ErrTimeout = errors.New("control: no answer from the peer")
	// ErrPeerClosed: the peer ended it.
	ErrPeerClosed = errors.New("control: ended by the peer")
	// ErrLocalClosed: this end ended it.
	ErrLocalClosed = errors.New("control: ended here")
	// ErrLost: the TCP connection is gone.
	ErrLost = errors.New("control: connection lost")
)

// Event is something the owner of a machine should know: Started, CallUp, CallDown or Closed.
type Event interface {
	fmt.Stringer
	event()
}

// Started says that the control connection is established. It comes once, before any CallUp.
type Started struct {
	HostName, Vendor string // of the peer, printable ASCII
	Firmware         uint16
	MaxChannels      uint16
	Framing, Bearer  uint32 // capability bits
}

// CallUp says that a call is connected: GRE packets may flow.
type CallUp struct {
	CallID           uint16 // ours: what GRE packets to us carry
	PeerCallID       uint16 // the peer's: what we put into GRE packets
	PeerWindow       uint16 // packets the peer says it buffers
	PeerDelay        uint16 // the peer's packet processing delay, tenths of a second
	ConnectSpeed     uint32 // bits a second, as the PAC says
	HostName, Vendor string // of the peer, printable ASCII
}

// CallDown says that a call has ended, or was never connected. Reason wraps one of the errors of
// this package.
type CallDown struct {
	CallID     uint16
	PeerCallID uint16
	Reason     error
}

// Closed says that the control connection has ended: write what Output still holds, then close TCP.
// It is the last event. Reason wraps one of the errors of this package.
type Closed struct {
	Reason error
}

func (Started) event()  {}
func (CallUp) event()   {}
func (CallDown) event() {}
func (Closed) event()   {}

func (e Started) String() string {
	return fmt.Sprintf("control connection established with %s %s", quote(e.HostName), quote(e.Vendor))
}

func (e CallUp) String() string {
	return fmt.Sprintf("call %d up: peer call %d, window %d, speed %d", e.CallID, e.PeerCallID, e.PeerWindow, e.ConnectSpeed)
}

func (e CallDown) String() string { return fmt.Sprintf("call %d down: %v", e.CallID, e.Reason) }
func (e Closed) String() string   { return fmt.Sprintf("control connection closed: %v", e.Reason) }

// Stats counts what a control connection has seen, in messages.
type Stats struct {
	Received, Sent uint64
	Unknown        uint64 // of a type RFC 2637 does not define; ignored
	Unexpected     uint64 // in a state where they mean nothing; answered or ignored
	UnknownCall    uint64 // of a call that does not exist
	AfterClose     uint64 // calls of Input after Closed; ignored
	EchoRequests   uint64 // sent
	EchoReplies    uint64 // received for one of those
	WANErrors      uint64 // WAN-Error-Notify received
	LinkInfos      uint64 // Set-Link-Info received; ignored
	CallsUp        uint64
	CallsRefused   uint64 // by the peer at a PNS, by us at a PAC
}
