package ppp

import (
	"bytes"
	"time"
)

// layer is what LCP, IPCP, IPV6CP and CCP each do their own way.
type layer interface {
	// request is the options of the next Configure-Request.
	request() []byte
	// answer judges the options of the peer's Configure-Request, whose lengths
	// are sound, and remembers those it accepts. False: say nothing at all.
	answer(options []byte, v *verdict) bool
	// acked is told that the peer acknowledged our request. False: it must not
	// count, although the copy is exact.
	acked(options []byte) bool
	// naked and rejected adapt the next request; the lengths are sound, and what
	// is rejected was in the last request.
	naked(options []byte)
	rejected(options []byte)
	// repeats reports whether a request with the options last acknowledged, but with
	// another identifier, is a retransmission and not a renegotiation.
	repeats() bool
	// stuck is told that the peer goes on refusing our requests.
	stuck()
	// peerTerminates is told of a Terminate-Request before the automaton.
	peerTerminates(text []byte)
	// extra handles codes above Code-Reject, false if it does not know them.
	extra(p packet) bool
	// codeRejected is told of a Code-Reject, true if the layer can live with it.
	codeRejected(code byte) bool
	// echo answers a packet of the RXR kind in state Opened.
	echo(p packet)
	// terminateText is the data of our Terminate-Request.
	terminateText() []byte

	up()
	down()
	started()
	finished(cause event)
}

// carrier is what an automaton needs from the link around it.
type carrier interface {
	// clock is the time of the call being worked on.
	clock() time.Time
	// transmit sends a control packet.
	transmit(proto uint16, code, id byte, data []byte)
	// mayReject takes a token from the budget of rejects.
	mayReject() bool
	// isOurs reports whether what a reject quotes is a packet of ours.
	isOurs(proto uint16, quoted []byte) bool
	// answered takes how long the peer took to answer.
	answered(took time.Duration)
	// peerMRU is the longest information field the peer takes, bytes.
	peerMRU() int
	counters() *Stats
}

// limits are the timer and counters of RFC 1661 section 4.6.
type limits struct {
	restart, terminate                   time.Duration // the second on the way down
	maxConfigure, maxTerminate, maxFails int
}

// automaton is the option negotiation automaton of RFC 1661 section 4. It knows
// identifiers, counters and the timer; what the options mean is its layer's.
type automaton struct {
	proto uint16
	layer layer
	via   carrier
	lim   limits

	state   state
	restart int       // restart counter
	timer   time.Time // zero: not running

	nextID      byte
	reqID       byte   // of the last Configure-Request
	reqOptions  []byte // of the last Configure-Request
	reqAt       time.Time
	outstanding bool // no valid answer to it has come yet
	peerUp      bool // the peer has spoken this protocol since start
	termID      byte
	naksOut     int // Configure-Naks sent since the last Configure-Ack
	refusals    int // Configure-Naks and -Rejects received since the last Configure-Ack

	ackID      byte // the request last acknowledged
	ackOptions []byte
	ackValid   bool
	requests   seenRequests

	in    packet // the packet being worked on
	reply []byte // options for actSCN
	code  byte   // code for actSCN
}

// handle runs one event through the table. Illegal events change nothing.
func (a *automaton) handle(ev event) {
	t := transitions[ev][a.state]
	if !t.legal {
		a.via.counters().WrongPhase++
		return
	}
	// The state comes first: the layer's callbacks may look at it, and tlu may
	// cause the next event.
	a.state = t.next
	for _, act := range t.actions {
		a.act(act, ev, t.next)
	}
	if !a.timed() {
		a.timer = time.Time{}
	}
}

// timed reports whether the restart timer runs in the present state.
func (a *automaton) timed() bool { return a.state >= stClosing && a.state <= stAckSent }

// act carries out one action of a transition to state next.
func (a *automaton) act(act action, ev event, next state) {
	switch act {
	case actTLU:
		a.layer.up()
	case actTLD:
		a.layer.down()
	case actTLS:
		a.layer.started()
	case actTLF:
		a.layer.finished(ev)
	case actIRC:
		a.restart = a.lim.maxConfigure
		if next == stClosing || next == stStopping {
			a.restart = a.lim.maxTerminate
		}
	case actZRC:
		a.restart = 0
		a.timer = a.via.clock().Add(a.lim.terminate)
	case actSCR:
		a.sendRequest()
	case actSCA:
		a.sendAck()
	case actSCN:
		a.via.transmit(a.proto, a.code, a.in.id, a.reply)
	case actSTR:
		a.sendTerminate(ev)
	case actSTA:
		a.sendTerminateAck(ev)
	case actSCJ:
		a.sendCodeReject()
	case actSER:
		a.layer.echo(a.in)
	}
}

// newID gives identifiers in sequence.
func (a *automaton) newID() byte {
	a.nextID++
	return a.nextID
}

// sendRequest sends a Configure-Request. A retransmission keeps its identifier,
// so that the answer to either copy counts (RFC 1661 section 5.1).
func (a *automaton) sendRequest() {
	options := a.layer.request()
	if !a.outstanding || !bytes.Equal(options, a.reqOptions) {
		a.reqID = a.newID()
		a.reqOptions = options
		a.reqAt = a.via.clock()
		a.outstanding = true
	}
	a.restart--
	a.timer = a.via.clock().Add(a.lim.restart)
	a.via.transmit(a.proto, codeConfigureRequest, a.reqID, a.reqOptions)
}

// sendAck acknowledges the request being worked on with an exact copy.
func (a *automaton) sendAck() {
	a.naksOut = 0
	a.ackValid, a.ackID = true, a.in.id
	a.ackOptions = append(a.ackOptions[:0], a.in.data...)
	a.via.transmit(a.proto, codeConfigureAck, a.in.id, a.in.data)
}

// sendTerminate sends a Terminate-Request, again with the same identifier.
func (a *automaton) sendTerminate(ev event) {
	if ev != evTOPlus {
		a.termID = a.newID()
	}
	a.restart--
	a.timer = a.via.clock().Add(a.lim.terminate)
	a.via.transmit(a.proto, codeTerminateRequest, a.termID, a.layer.terminateText())
}

// sendTerminateAck copies the identifier of a Terminate-Request; where it only
// tells the peer that we are closed the identifier is our own.
func (a *automaton) sendTerminateAck(ev event) {
	id := a.in.id
	if ev != evRTR {
		id = a.newID()
	}
	a.via.transmit(a.proto, codeTerminateAck, id, nil)
}

// sendCodeReject returns the packet being worked on, cut to the peer's MRU.
func (a *automaton) sendCodeReject() {
	if !a.via.mayReject() {
		a.via.counters().RejectsSuppressed++
		return
	}
	a.via.counters().RejectsSent++
	raw := a.in.raw[:min(len(a.in.raw), a.via.peerMRU()-headerLen)]
	a.via.transmit(a.proto, codeCodeReject, a.newID(), raw)
}

// start brings the automaton from Initial to Req-Sent.
func (a *automaton) start() {
	a.handle(evUp)
	a.handle(evOpen)
}

// stop takes the automaton to Initial without a word to the peer: what carries
// it is gone, or the peer does not know the protocol.
func (a *automaton) stop() {
	if a.state != stInitial && a.state != stStarting {
		a.handle(evDown)
	}
	a.handle(evClose)
	a.forget()
}

// forget drops what belongs to the negotiation that has ended.
func (a *automaton) forget() {
	a.outstanding, a.ackValid, a.peerUp = false, false, false
	a.naksOut, a.refusals = 0, 0
	a.requests = seenRequests{}
	a.timer = time.Time{}
}

// expire handles the restart timer.
func (a *automaton) expire() {
	if a.timer.IsZero() || a.via.clock().Before(a.timer) {
		return
	}
	a.via.counters().Retransmissions++
	if a.restart > 0 {
		a.handle(evTOPlus)
	} else {
		a.handle(evTOMinus)
	}
}

// receive handles one packet of the protocol.
func (a *automaton) receive(p packet) {
	if a.state == stInitial || a.state == stStarting {
		a.via.counters().WrongPhase++
		return
	}
	a.in = p
	switch p.code {
	case codeConfigureRequest:
		a.receiveRequest()
	case codeConfigureAck:
		a.receiveAck()
	case codeConfigureNak, codeConfigureReject:
		a.receiveRefusal()
	case codeTerminateRequest:
		a.layer.peerTerminates(p.data)
		a.handle(evRTR)
	case codeTerminateAck:
		a.receiveTerminateAck()
	case codeCodeReject:
		a.receiveCodeReject()
	default:
		if !a.layer.extra(p) {
			a.via.counters().UnknownCode++
			a.handle(evRUC)
		}
	}
	a.in = packet{}
}

// receiveRequest judges a Configure-Request and answers it.
func (a *automaton) receiveRequest() {
	if checkOptions(a.in.data) != nil {
		a.via.counters().Malformed++
		return
	}
	// In these states the table does not look at the options.
	if a.state == stClosed || a.state == stClosing || a.state == stStopping {
		a.handle(evRCRPlus)
		return
	}
	if a.repeated() {
		return
	}
	a.hasten()
	v := verdict{noNak: a.naksOut >= a.lim.maxFails}
	if !a.layer.answer(a.in.data, &v) {
		return
	}
	a.requests.add(a.in)
	switch {
	case len(v.rejected) > 0:
		a.code, a.reply = codeConfigureReject, v.rejected
		a.handle(evRCRMinus)
	case len(v.naked) > 0:
		a.naksOut++
		a.code, a.reply = codeConfigureNak, v.naked
		a.handle(evRCRMinus)
	default:
		a.handle(evRCRPlus)
	}
}

// hasten repeats a Configure-Request that the peer may have missed because it did not speak the
// protocol yet: its own says that it does now. That is done once, and before the peer has an answer
// of ours, so that it cannot be open already.
func (a *automaton) hasten() {
	if !a.peerUp && a.outstanding && a.state == stReqSent {
		a.via.counters().RequestsAgain++
		a.via.transmit(a.proto, codeConfigureRequest, a.reqID, a.reqOptions)
	}
	a.peerUp = true
}

// repeated deals with requests that have been answered before. The network
// repeats and reorders packets, and the peer sends its request again when our
// Ack is lost; the table would tear an open link down for each of these.
func (a *automaton) repeated() bool {
	if a.acknowledged(a.in) {
		a.via.counters().Repeated++
		a.ackID = a.in.id
		a.via.transmit(a.proto, codeConfigureAck, a.in.id, a.in.data)
		return true
	}
	if a.seen(a.in) {
		a.via.counters().Repeated++
		return true
	}
	return false
}

// acknowledged reports whether a Configure-Request is the one that was acknowledged last.
func (a *automaton) acknowledged(p packet) bool {
	return (a.state == stOpened || a.state == stAckSent) && a.ackValid &&
		bytes.Equal(p.data, a.ackOptions) && (p.id == a.ackID || a.layer.repeats())
}

// seen reports whether a Configure-Request is a late copy of one that was answered.
func (a *automaton) seen(p packet) bool {
	return (a.state == stOpened || a.state == stAckSent) && a.requests.has(p)
}

// receiveAck takes an exact copy of our last request.
func (a *automaton) receiveAck() {
	if a.negotiating() && (!a.answersRequest() || !bytes.Equal(a.in.data, a.reqOptions)) {
		if a.in.id == a.reqID && bytes.Equal(a.in.data, a.reqOptions) {
			a.via.counters().Repeated++ // a copy of the answer, or one to a copy of the request
		} else {
			a.via.counters().WrongID++
		}
		return
	}
	if a.negotiating() && !a.layer.acked(a.in.data) {
		return
	}
	a.heardAnswer()
	a.refusals = 0
	a.handle(evRCA)
}

// receiveRefusal takes a Configure-Nak or -Reject of our last request.
func (a *automaton) receiveRefusal() {
	if checkOptions(a.in.data) != nil {
		a.via.counters().Malformed++
		return
	}
	if a.negotiating() {
		reject := a.in.code == codeConfigureReject
		if !a.answersRequest() || reject && !sublist(a.in.data, a.reqOptions) {
			a.via.counters().WrongID++
			return
		}
		// Every refusal is answered at once, so two ends that never agree would
		// do it at the speed of the line.
		if a.refusals++; a.refusals > 2*a.lim.maxConfigure {
			a.layer.stuck()
			return
		}
		if reject {
			a.layer.rejected(a.in.data)
		} else {
			a.layer.naked(a.in.data)
		}
	}
	a.heardAnswer()
	a.handle(evRCN)
}

// heardAnswer notes that the last request has its answer.
func (a *automaton) heardAnswer() {
	if a.outstanding {
		a.via.answered(a.via.clock().Sub(a.reqAt))
	}
	a.outstanding, a.peerUp = false, true
}

// receiveTerminateAck takes an answer to our Terminate-Request. RFC 1661 section 4.1 has an open
// end start over when one comes unasked; but that nobody needs to send, a peer that is not open any
// more answers no echoes.
func (a *automaton) receiveTerminateAck() {
	if a.state == stOpened {
		a.via.counters().WrongID++
		return
	}
	a.handle(evRTA)
}

// negotiating reports whether answers to our requests mean something.
func (a *automaton) negotiating() bool { return a.state >= stReqSent }

// answersRequest reports whether the packet being worked on carries the identifier of
// a request that is still without an answer.
func (a *automaton) answersRequest() bool { return a.outstanding && a.in.id == a.reqID }

// receiveCodeReject takes back a packet of ours.
func (a *automaton) receiveCodeReject() {
	if len(a.in.data) < headerLen {
		a.via.counters().Malformed++
		return
	}
	if !a.believesReject(a.in.data) {
		a.via.counters().RejectsDisbelieved++
		return
	}
	if a.layer.codeRejected(a.in.data[0]) {
		a.handle(evRXJPlus)
	} else {
		a.handle(evRXJMinus)
	}
}

// believesReject reports whether a peer can mean a Code-Reject: it returns a packet of ours, and
// not one whose code it must know because both ends have opened by means of it.
func (a *automaton) believesReject(quoted []byte) bool {
	code := quoted[0]
	known := a.state == stOpened && code >= codeConfigureRequest && code <= codeCodeReject
	return !known && a.via.isOurs(a.proto, quoted)
}

// sublist reports whether every option of part is in whole, unchanged and in order.
// An empty part is no rejection at all.
func sublist(part, whole []byte) bool {
	if len(part) == 0 {
		return false
	}
	ok := true
	eachOption(part, func(o option) {
		for ok {
			if len(whole) == 0 {
				ok = false
				return
			}
			w, rest, err := nextOption(whole)
			if err != nil {
				ok = false
				return
			}
			whole = rest
			if bytes.Equal(w.raw, o.raw) {
				return
			}
		}
	})
	return ok
}
