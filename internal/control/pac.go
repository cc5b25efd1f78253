package control

import (
	"slices"
	"time"
)

// DefaultMaxCalls is the number of calls on one control connection.
const DefaultMaxCalls = 8

// PACConfig configures a PAC. Zero values mean the defaults.
type PACConfig struct {
	HostName, Vendor string // at most 64 bytes each; "local" and "arc4"
	Firmware         uint16
	Window           uint16 // packets we say we buffer; 512, at least 64
	Delay            uint16 // packet processing delay, tenths of a second
	MaxCalls         int    // at once on this connection; 8
	MaxSpeed         uint32 // the connect speed is the caller's maximum, but at most this; 1,000,000,000 bit/s

	// CallID gives our ID of a new call, unique among all calls of this peer's address; ok is false
	// when no further call can be taken, and the caller is told that resources are short. Every ID
	// given is reported by CallUp and later by CallDown. The default counts from 1.
	CallID func() (id uint16, ok bool)

	// Why says in a sentence, printable ASCII of at most 128 bytes, why this end ends the call that
	// it calls id, and gives "" if it does not. It goes out as the statistics of the
	// Call-Disconnect-Notify, which are text for people (RFC 2637 section 2.13). nil: never
	// anything.
	Why func(id uint16) string
	// Refuse, if not 0, is the result (StartNotAuthorized, say) with which the peer's start request
	// is answered; the connection closes then.
	Refuse uint8

	EchoInterval time.Duration // quiet time before an Echo-Request; 60 s; negative: never
	EchoTimeout  time.Duration // for its answer; 60 s
	ReplyTimeout time.Duration // for the peer's start request; 10 s
	StopTimeout  time.Duration // for the answer to our stop request; 3 s

	// Trace, if not nil, is given each message that is received or sent, as it is on the wire, and
	// what was received instead of one. It must not keep them.
	Trace func(sent bool, message []byte)
}

// pacCall is a call that is up.
type pacCall struct{ id, peerID uint16 }

// PAC is the answering end of a control connection, with several calls. It is not safe for
// concurrent use.
type PAC struct {
	connection
	cfg   PACConfig
	calls []pacCall // in the order they came; never more than MaxCalls
	peer  Started
}

// NewPAC returns a PAC for a TCP connection that was accepted.
func NewPAC(cfg PACConfig) *PAC {
	p := &PAC{}
	cfg.Window = windowOrDefault(cfg.Window)
	if cfg.MaxCalls <= 0 {
		cfg.MaxCalls = DefaultMaxCalls
	}
	cfg.MaxCalls = min(cfg.MaxCalls, 1<<15) // RFC 2637 section 3.2.2: twice as many IDs as calls
	if cfg.MaxSpeed == 0 {
		cfg.MaxSpeed = 1_000_000_000
	}
	if cfg.CallID == nil {
		cfg.CallID = countingID(func() []pacCall { return p.calls })
	}
	if cfg.Why == nil {
		cfg.Why = func(uint16) string { return "" }
	}
	p.cfg = cfg
	p.identity = identity{
		hostName: cfg.HostName, vendor: cfg.Vendor, firmware: cfg.Firmware,
		maxChannels:  uint16(cfg.MaxCalls),
		echoInterval: cfg.EchoInterval, echoTimeout: cfg.EchoTimeout,
		replyTimeout: cfg.ReplyTimeout, stopTimeout: cfg.StopTimeout,
	}.withDefaults()
	p.role, p.peerName = pacRole{p}, "client"
	p.trace = cfg.Trace
	return p
}

// countingID numbers calls from 1 and passes over those that are up.
func countingID(calls func() []pacCall) func() (uint16, bool) {
	var last uint16
	return func() (uint16, bool) {
		last++
		for slices.ContainsFunc(calls(), func(c pacCall) bool { return c.id == last }) {
			last++ // ends: MaxCalls is less than the number of IDs
		}
		return last, true
	}
}

// Start begins the wait for the peer's Start-Control-Connection-Request, so that a silent peer is
// dropped in time.
func (p *PAC) Start(now time.Time) {
	if p.state == stateIdle {
		p.state = stateWaitStart
		p.deadline = now.Add(p.replyTimeout)
	}
}

// Calls returns our IDs of the calls that are up.
func (p *PAC) Calls() []uint16 {
	ids := make([]uint16, len(p.calls))
	for i, c := range p.calls {
		ids[i] = c.id
	}
	return ids
}

// ClearCall ends one call from this end: a Call-Disconnect-Notify with the result
// (DisconnectLostCarrier or DisconnectAdminShutdown), and CallDown. An ID that is not up changes
// nothing.
func (p *PAC) ClearCall(_ time.Time, callID uint16, result uint8) {
	i := slices.IndexFunc(p.calls, func(c pacCall) bool { return c.id == callID })
	if i < 0 || p.state != stateEstablished {
		return
	}
	p.send(CallDisconnectNotify{CallID: callID, Result: result, Statistics: p.cfg.Why(callID)})
	p.remove(callID, because(ErrLocalClosed, "the call was cleared here"))
}

// Shutdown ends everything in order: a Call-Disconnect-Notify for each call, then a
// Stop-Control-Connection-Request; Closed follows its reply, or the stop time-out.
func (p *PAC) Shutdown(now time.Time) {
	reason := shutDown()
	if p.state == stateIdle || p.state == stateWaitStart {
		p.close(reason)
		return
	}
	if p.state != stateEstablished {
		return
	}
	for _, id := range p.Calls() {
		p.ClearCall(now, id, DisconnectAdminShutdown)
	}
	p.stop(now, StopLocalShutdown, reason)
}

// Dismiss ends everything without waiting for the peer, which has not done what it should: a
// Call-Disconnect-Notify for each call, a Stop-Control-Connection-Request without a reason of its
// own, and Closed.
func (p *PAC) Dismiss(now time.Time) {
	if p.state == stateEstablished {
		for _, id := range p.Calls() {
			p.ClearCall(now, id, DisconnectAdminShutdown)
		}
		p.send(StopRequest{Reason: StopGeneral})
	}
	p.close(because(ErrLocalClosed, "the client was sent away"))
}

// remove takes a call off the list and reports it, if it is still there.
func (p *PAC) remove(id uint16, reason error) {
	i := slices.IndexFunc(p.calls, func(c pacCall) bool { return c.id == id })
	if i < 0 {
		return
	}
	call := p.calls[i]
	p.calls = slices.Delete(p.calls, i, i+1)
	p.emit(CallDown{CallID: call.id, PeerCallID: call.peerID, Reason: reason})
}

// pacRole is a PAC as its connection sees it, apart from what callers see.
type pacRole struct{ p *PAC }

func (r pacRole) start(now time.Time, m Message) {
	p := r.p
	request, ok := m.(StartRequest)
	switch {
	case !ok || p.state == stateWaitStop:
		p.stats.Unexpected++
	case p.state == stateEstablished:
		p.stats.Unexpected++
		p.send(p.reply(StartChannelExists))
	case !sameVersion(request.Version):
		p.send(p.reply(StartBadVersion))
		p.close(because(ErrProtocol, "the client speaks PPTP version %#04x, not %#04x", request.Version, uint16(Version)))
	case p.cfg.Refuse != 0:
		p.send(p.reply(p.cfg.Refuse))
		p.close(because(ErrLocalClosed, "the client was refused: %s", resultText(TypeStartReply, p.cfg.Refuse, 0)))
	default:
		p.peer = Started{HostName: request.HostName, Vendor: request.Vendor, Firmware: request.Firmware,
			MaxChannels: request.MaxChannels, Framing: request.Framing, Bearer: request.Bearer}
		p.send(p.reply(StartOK))
		p.established(now, p.peer)
	}
}

func (r pacRole) call(_ time.Time, m Message) {
	p := r.p
	switch m := m.(type) {
	case OutgoingCallRequest:
		if p.state != stateEstablished {
			refuseCall(&p.connection, m)
			return
		}
		r.answer(m)
	case CallClearRequest:
		r.clear(m.CallID)
	case CallDisconnectNotify: // for a PNS, but its meaning is clear
		p.stats.Unexpected++
		if call, ok := r.find(m.CallID); ok {
			p.remove(call.id, byMessage(ErrPeerClosed, "the client ended the call",
				EndError{Message: m.Type(), Result: m.Result, General: m.Error, Cause: m.Cause, Said: m.Said()}))
		}
	case SetLinkInfo:
		p.stats.LinkInfos++
	case WANErrorNotify:
		p.stats.WANErrors++
	default:
		refuseCall(&p.connection, m)
	}
}

func (r pacRole) answer(m OutgoingCallRequest) {
	p := r.p
	reply := OutgoingCallReply{PeerCallID: m.CallID, Result: ResultGeneralError}
	id, failure := r.assign(m.CallID)
	if failure != ErrorNone {
		reply.Error = failure
		p.stats.CallsRefused++
		p.send(reply)
		return
	}
	reply.CallID, reply.Result = id, CallConnected
	reply.ConnectSpeed = min(m.MaxBPS, p.cfg.MaxSpeed)
	if reply.ConnectSpeed == 0 {
		reply.ConnectSpeed = p.cfg.MaxSpeed
	}
	reply.Window, reply.Delay = p.cfg.Window, p.cfg.Delay
	// The call is noted before the reply is sent: should the reply close the connection, its ID is
	// reported down.
	p.calls = append(p.calls, pacCall{id: id, peerID: m.CallID})
	p.stats.CallsUp++
	p.emit(CallUp{CallID: id, PeerCallID: m.CallID, PeerWindow: m.Window, PeerDelay: m.Delay,
		ConnectSpeed: reply.ConnectSpeed, HostName: p.peer.HostName, Vendor: p.peer.Vendor})
	p.send(reply)
}

// assign finds our ID for a call that the peer calls peerID, or a general error.
func (r pacRole) assign(peerID uint16) (id uint16, failure uint8) {
	p := r.p
	if slices.ContainsFunc(p.calls, func(c pacCall) bool { return c.peerID == peerID }) {
		return 0, ErrorBadCallID
	}
	if len(p.calls) >= p.cfg.MaxCalls {
		return 0, ErrorNoResource
	}
	id, ok := p.cfg.CallID()
	if !ok {
		return 0, ErrorNoResource
	}
	return id, ErrorNone
}

// find looks a call up by the peer's ID, as RFC 2637 section 2.12 has it, or by ours, as some peers
// have it.
func (r pacRole) find(id uint16) (pacCall, bool) {
	calls := r.p.calls
	i := slices.IndexFunc(calls, func(c pacCall) bool { return c.peerID == id })
	if i < 0 {
		i = slices.IndexFunc(calls, func(c pacCall) bool { return c.id == id })
	}
	if i < 0 {
		return pacCall{}, false
	}
	return calls[i], true
}

func (r pacRole) clear(id uint16) {
	p := r.p
	call, ok := r.find(id)
	if !ok {
		// The peer waits for an answer, even if the call ended before its request came.
		p.stats.UnknownCall++
		p.send(CallDisconnectNotify{CallID: id, Result: ResultGeneralError, Error: ErrorBadCallID})
		return
	}
	// A client that lets go of a call which this end is ending learns why.
	notify := CallDisconnectNotify{CallID: call.id, Result: DisconnectRequest}
	if why := p.cfg.Why(call.id); why != "" {
		notify.Result, notify.Statistics = DisconnectAdminShutdown, why
	}
	p.send(notify)
	p.remove(call.id, &EndError{Kind: ErrPeerClosed, Text: "the client ended the call", Message: TypeCallClearRequest})
}

func (pacRole) dials() bool { return false }

func (r pacRole) dropCalls(reason error) {
	for _, id := range r.p.Calls() {
		r.p.remove(id, reason)
	}
}

func (r pacRole) callDeadline() (time.Time, bool) { return time.Time{}, false }
func (r pacRole) callTick(time.Time)              {}
