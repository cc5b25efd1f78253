package control

import "time"

// PNSConfig configures a PNS. Zero values mean the defaults.
type PNSConfig struct {
	HostName, Vendor string // at most 64 bytes each; "local" and "arc4"
	Firmware         uint16
	Window           uint16        // packets we say we buffer; 512, at least 64
	Delay            uint16        // packet processing delay, tenths of a second
	CallID           func() uint16 // gives our call ID; any number is good, 0 too. Default: 1
	Serial           uint16        // call serial number, for the peer's log
	MinBPS, MaxBPS   uint32        // bits a second; 2400 to 1,000,000,000
	Phone            string        // at most 64 bytes; some servers choose a service by it

	EchoInterval time.Duration // quiet time before an Echo-Request; 60 s; negative: never
	EchoTimeout  time.Duration // for its answer; 60 s
	ReplyTimeout time.Duration // for the answers to the start and call requests; 10 s
	StopTimeout  time.Duration // for each answer while shutting down; 3 s

	// Trace, if not nil, is given each message that is received or sent, as it is on the wire, and
	// what was received instead of one. It must not keep them.
	Trace func(sent bool, message []byte)
}

// callPhase of a PNS (RFC 2637 section 3.2.4.2).
type callPhase int

const (
	callIdle callPhase = iota
	callWaitReply
	callEstablished
	callWaitDisconnect
	callDone
)

// PNS is the dialling end of a control connection, with one call. It is not safe for concurrent
// use.
type PNS struct {
	connection
	cfg PNSConfig

	phase        callPhase
	callTimer    time.Time
	callID       uint16
	peerCallID   uint16
	peerKnown    bool // peerCallID is: an Outgoing-Call-Reply came
	peer         Started
	shuttingDown bool
}

// NewPNS returns a PNS for a TCP connection that is established, or about to be.
func NewPNS(cfg PNSConfig) *PNS {
	cfg.Window = windowOrDefault(cfg.Window)
	if cfg.MinBPS == 0 {
		cfg.MinBPS = 2400
	}
	if cfg.MaxBPS == 0 {
		cfg.MaxBPS = 1_000_000_000
	}
	if cfg.CallID == nil {
		cfg.CallID = func() uint16 { return 1 }
	}
	p := &PNS{cfg: cfg}
	p.identity = identity{
		hostName: cfg.HostName, vendor: cfg.Vendor, firmware: cfg.Firmware,
		echoInterval: cfg.EchoInterval, echoTimeout: cfg.EchoTimeout,
		replyTimeout: cfg.ReplyTimeout, stopTimeout: cfg.StopTimeout,
	}.withDefaults()
	p.role, p.peerName = pnsRole{p}, "server"
	p.trace = cfg.Trace
	return p
}

// Start queues the Start-Control-Connection-Request; the Outgoing-Call-Request follows the reply.
func (p *PNS) Start(now time.Time) {
	if p.state != stateIdle {
		return
	}
	p.state = stateWaitStart
	p.deadline = now.Add(p.replyTimeout)
	p.send(p.request())
}

// Shutdown ends the call and then the connection in order: Call-Clear-Request, its
// Call-Disconnect-Notify, Stop- Control-Connection-Request, its reply; Closed follows, at the
// latest after twice the stop time-out. Called again, it waits for the call no longer.
func (p *PNS) Shutdown(now time.Time) {
	reason := shutDown()
	switch {
	case p.state == stateIdle || p.state == stateWaitStart:
		p.close(reason)
	case p.state != stateEstablished:
	case p.phase == callWaitReply || p.phase == callEstablished:
		p.shuttingDown = true
		p.send(CallClearRequest{CallID: p.callID})
		p.phase = callWaitDisconnect
		p.callTimer = now.Add(p.stopTimeout)
	default:
		p.callDown(reason)
		p.stop(now, StopLocalShutdown, reason)
	}
}

// SetLinkInfo sends the PPP control character maps to the PAC, if the call is up (RFC 2637 section
// 2.15). Both are 0xFFFFFFFF on every PPTP link; some servers want to be told.
func (p *PNS) SetLinkInfo(sendACCM, recvACCM uint32) {
	if p.state == stateEstablished && p.phase == callEstablished {
		p.send(SetLinkInfo{PeerCallID: p.peerCallID, SendACCM: sendACCM, RecvACCM: recvACCM})
	}
}

// callDown reports the end of the call, once.
func (p *PNS) callDown(reason error) {
	if p.phase == callIdle || p.phase == callDone {
		return
	}
	p.phase = callDone
	p.emit(CallDown{CallID: p.callID, PeerCallID: p.peerCallID, Reason: reason})
}

// hangUp reports the end of the call and closes the connection, which carries nothing else.
func (p *PNS) hangUp(now time.Time, reason *EndError) {
	p.callDown(reason)
	p.stop(now, StopGeneral, reason)
}

// pnsRole is a PNS as its connection sees it, apart from what callers see.
type pnsRole struct{ p *PNS }

func (r pnsRole) start(now time.Time, m Message) {
	p := r.p
	reply, ok := m.(StartReply)
	if !ok {
		// The peer starts at the same time on the same TCP connection; two replies do no harm.
		p.stats.Unexpected++
		if p.state == stateWaitStart {
			p.send(p.reply(StartOK))
		}
		return
	}
	if p.state != stateWaitStart {
		p.stats.Unexpected++
		return
	}
	switch {
	// Some servers say 0 for success.
	case reply.Result != StartOK && reply.Result != 0:
		p.close(byMessage(ErrRefused, "the server refuses the control connection", EndError{Message: reply.Type(), Result: reply.Result, General: reply.Error}))
	case !sameVersion(reply.Version):
		p.stop(now, StopProtocol, because(ErrRefused, "the server speaks PPTP version %#04x, not %#04x", reply.Version, uint16(Version)))
	default:
		p.peer = Started{HostName: reply.HostName, Vendor: reply.Vendor, Firmware: reply.Firmware,
			MaxChannels: reply.MaxChannels, Framing: reply.Framing, Bearer: reply.Bearer}
		p.established(now, p.peer)
		r.dial(now)
	}
}

func (r pnsRole) dial(now time.Time) {
	p := r.p
	p.callID = p.cfg.CallID()
	p.phase = callWaitReply
	p.callTimer = now.Add(p.replyTimeout)
	p.send(OutgoingCallRequest{
		CallID: p.callID, Serial: p.cfg.Serial, MinBPS: p.cfg.MinBPS, MaxBPS: p.cfg.MaxBPS,
		Bearer: anyBearer, Framing: anyFraming, Window: p.cfg.Window, Delay: p.cfg.Delay,
		PhoneLength: uint16(min(len(p.cfg.Phone), textLen)), Phone: p.cfg.Phone,
	})
}

func (r pnsRole) call(now time.Time, m Message) {
	p := r.p
	switch m := m.(type) {
	case OutgoingCallReply:
		r.answered(now, m)
	case CallDisconnectNotify:
		if !r.ours(m.CallID) {
			p.stats.UnknownCall++
			return
		}
		reason, code := r.disconnected(m), uint8(StopGeneral)
		if p.shuttingDown {
			code = StopLocalShutdown
			if m.Result == DisconnectRequest || m.Said() == "" {
				reason = shutDown()
			}
		}
		p.callDown(reason)
		p.stop(now, code, reason)
	case CallClearRequest: // for a PAC, but its meaning is clear
		p.stats.Unexpected++
		if r.ours(m.CallID) {
			p.send(CallDisconnectNotify{CallID: p.callID, Result: DisconnectRequest})
			p.hangUp(now, &EndError{Kind: ErrPeerClosed, Text: "the server ended the call", Message: m.Type()})
		}
	case WANErrorNotify:
		p.stats.WANErrors++
	case SetLinkInfo:
		p.stats.LinkInfos++
	default:
		refuseCall(&p.connection, m)
	}
}

// ours reports whether a call that is not over goes by id. A PAC should name its own ID, but some
// name ours; as long as we do not know the PAC's, it can mean no other call.
func (r pnsRole) ours(id uint16) bool {
	p := r.p
	if p.phase == callIdle || p.phase == callDone {
		return false
	}
	return !p.peerKnown || id == p.peerCallID || id == p.callID
}

func (r pnsRole) answered(now time.Time, m OutgoingCallReply) {
	p := r.p
	if m.PeerCallID != p.callID {
		p.stats.UnknownCall++
		return
	}
	if p.phase == callWaitDisconnect && !p.peerKnown { // it crossed our Call-Clear-Request
		p.peerCallID, p.peerKnown = m.CallID, true
		return
	}
	if p.phase != callWaitReply {
		p.stats.Unexpected++
		return
	}
	if m.Result != CallConnected {
		p.stats.CallsRefused++
		p.hangUp(now, byMessage(ErrRefused, "the server refuses the call", EndError{Message: m.Type(), Result: m.Result, General: m.Error, Cause: m.Cause}))
		return
	}
	p.phase = callEstablished
	p.peerCallID, p.peerKnown = m.CallID, true
	p.stats.CallsUp++
	p.emit(CallUp{CallID: p.callID, PeerCallID: m.CallID, PeerWindow: m.Window, PeerDelay: m.Delay,
		ConnectSpeed: m.ConnectSpeed, HostName: p.peer.HostName, Vendor: p.peer.Vendor})
}

func (pnsRole) dials() bool { return true }

// disconnected is why the server ended the call, as its Call-Disconnect-Notify says.
func (r pnsRole) disconnected(m CallDisconnectNotify) *EndError {
	return byMessage(ErrPeerClosed, "the server ended the call",
		EndError{Message: m.Type(), Result: m.Result, General: m.Error, Cause: m.Cause, Said: m.Said()})
}

func (r pnsRole) dropCalls(reason error) { r.p.callDown(reason) }

func (r pnsRole) callDeadline() (time.Time, bool) {
	return r.p.callTimer, r.p.phase == callWaitReply || r.p.phase == callWaitDisconnect
}

func (r pnsRole) callTick(now time.Time) {
	p := r.p
	if at, ok := r.callDeadline(); !ok || now.Before(at) {
		return
	}
	if p.phase == callWaitReply {
		p.hangUp(now, because(ErrTimeout, "the server does not answer the request for a call (Outgoing-Call-Request) within %v", p.replyTimeout))
		return
	}
	p.Shutdown(now)
}

// refuseCall answers requests that this end does not serve, and counts what else makes no sense.
func refuseCall(c *connection, m Message) {
	c.stats.Unexpected++
	switch m := m.(type) {
	case OutgoingCallRequest:
		c.stats.CallsRefused++
		reply := OutgoingCallReply{PeerCallID: m.CallID, Result: CallDoNotAccept}
		if c.state != stateEstablished {
			reply.Result, reply.Error = ResultGeneralError, ErrorNotConnected
		}
		c.send(reply)
	case IncomingCallRequest:
		c.stats.CallsRefused++
		reply := IncomingCallReply{PeerCallID: m.CallID, Result: IncomingDoNotAccept}
		if c.state != stateEstablished {
			reply.Result, reply.Error = ResultGeneralError, ErrorNotConnected
		}
		c.send(reply)
	}
}
