package control

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Defaults of the configurations.
const (
	DefaultEchoInterval = 60 * time.Second // RFC 2637 section 3.1.4
	DefaultEchoTimeout  = 60 * time.Second // RFC 2637 section 3.1.4
	DefaultReplyTimeout = 10 * time.Second // the RFC allows 60; a user waits for this one
	DefaultStopTimeout  = 3 * time.Second
	// DefaultWindow is the number of packets we say we buffer. A peer that respects it (RFC 2637
	// section 4.2.1) starts with half, which is more than goes unacknowledged here
	// (ackEvery in tunnel/gre/ack.go), so it never stalls.
	DefaultWindow = 512
	// MinWindow is the least that is ever said.
	MinWindow       = 64
	defaultHostName = "local"
	defaultVendor   = "arc4"
	defaultFirmware = 1
)

// maxOutput is how many bytes may wait to be written. A peer that makes us answer and does not read
// the answers is cut off there.
const maxOutput = 256 << 10

// identity is what an end tells about itself, and its timers.
type identity struct {
	hostName, vendor          string
	firmware                  uint16
	maxChannels               uint16
	echoInterval, echoTimeout time.Duration
	replyTimeout, stopTimeout time.Duration
}

// windowOrDefault is the window to offer for a configured one.
func windowOrDefault(w uint16) uint16 {
	if w == 0 {
		return DefaultWindow
	}
	return max(w, MinWindow)
}

func (i identity) withDefaults() identity {
	if i.echoInterval == 0 { // negative means never
		i.echoInterval = DefaultEchoInterval
	}
	orDuration := func(d *time.Duration, fallback time.Duration) {
		if *d <= 0 {
			*d = fallback
		}
	}
	orDuration(&i.echoTimeout, DefaultEchoTimeout)
	orDuration(&i.replyTimeout, DefaultReplyTimeout)
	orDuration(&i.stopTimeout, DefaultStopTimeout)
	if i.hostName == "" {
		i.hostName = defaultHostName
	}
	if i.vendor == "" {
		i.vendor = defaultVendor
	}
	if i.firmware == 0 {
		i.firmware = defaultFirmware
	}
	return i
}

// state of the control connection (RFC 2637 sections 3.1.1 and 3.1.2).
type state int

const (
	stateIdle        state = iota // Start has not been called
	stateWaitStart                // for a Start-Control-Connection message of the peer
	stateEstablished              //
	stateWaitStop                 // for a Stop-Control-Connection-Reply
	stateClosed                   //
)

// role is what differs between the two ends.
type role interface {
	// start handles the messages that establish the connection.
	start(now time.Time, m Message)
	// call handles the messages about calls; the connection is established or waits for a
	// Stop-Reply.
	call(now time.Time, m Message)
	// dials reports whether this end speaks first.
	dials() bool
	// dropCalls ends all calls without a message: the connection is gone.
	dropCalls(reason error)
	// callDeadline and callTick are the timers of calls.
	callDeadline() (time.Time, bool)
	callTick(now time.Time)
}

// connection is what both ends have in common: the stream, the echo, and the way down.
type connection struct {
	identity
	role     role
	peerName string                          // what the peer is to this end: server or client
	trace    func(sent bool, message []byte) // nil: nobody watches

	framer Framer
	out    []byte
	events []Event
	stats  Stats

	state    state
	deadline time.Time // of stateWaitStart and stateWaitStop
	reason   error     // for Closed, known before stateWaitStop
	heard    time.Time // the last control message
	echoing  bool      // an Echo-Request is unanswered
	echoSent time.Time
	echoID   uint32
}

// Input takes bytes from TCP, split and joined in any way.
func (c *connection) Input(now time.Time, data []byte) {
	if c.state == stateClosed {
		c.stats.AfterClose++
		return
	}
	for len(data) > 0 && c.state != stateClosed {
		raw, rest, err := c.framer.Next(data)
		if err != nil {
			c.note(false, c.framer.unfinished())
			c.close(c.offProtocol(err, rest))
			return
		}
		data = rest
		if raw != nil {
			c.receive(now, raw)
		}
	}
}

// offProtocol is why the stream cannot be followed: at its beginning because the peer speaks
// something else, later because one of the two is out of step. rest is what follows the bytes that
// the framer holds.
func (c *connection) offProtocol(err error, rest []byte) *EndError {
	e := &EndError{Kind: ErrProtocol, Err: err}
	if c.stats.Received == 0 {
		first := append(append([]byte(nil), c.framer.buf[:c.framer.n]...), rest...)
		e.Text = foreignText(c.peerName, first)
		return e
	}
	e.Text = fmt.Sprintf("the %s broke the protocol: %s", c.peerName, strings.TrimPrefix(err.Error(), ErrProtocol.Error()+": "))
	return e
}

func (c *connection) receive(now time.Time, raw []byte) {
	c.stats.Received++
	c.heard = now
	c.note(false, raw)
	m, err := Parse(raw)
	if errors.Is(err, ErrUnknownType) {
		c.stats.Unknown++
		return
	}
	if err != nil {
		c.close(c.offProtocol(err, nil))
		return
	}
	switch m := m.(type) {
	case StartRequest, StartReply:
		c.role.start(now, m)
	case StopRequest:
		c.send(StopReply{Result: resultOK})
		reason := c.reason
		if c.state != stateWaitStop { // else both ends stop at once
			reason = byMessage(ErrPeerClosed, "the "+c.peerName+" ended the control connection", EndError{Message: m.Type(), Result: m.Reason})
		}
		c.close(reason)
	case StopReply:
		if c.state == stateWaitStop {
			c.close(c.reason)
		} else {
			c.stats.Unexpected++
		}
	case EchoRequest:
		c.send(EchoReply{ID: m.ID, Result: resultOK})
	case EchoReply:
		c.echoReply(m)
	default:
		c.role.call(now, m)
	}
}

func (c *connection) echoReply(m EchoReply) {
	if !c.echoing || m.ID != c.echoID {
		c.stats.Unexpected++
		return
	}
	c.echoing = false
	c.stats.EchoReplies++
}

// send queues a message for Output.
func (c *connection) send(m Message) {
	if c.state == stateClosed {
		return
	}
	if len(c.out)+m.Type().Len() > maxOutput {
		c.close(because(ErrLost, "the %s does not read what it asks for: more than %d bytes of answers wait", c.peerName, maxOutput))
		return
	}
	begin := len(c.out)
	c.out = m.AppendTo(c.out)
	c.note(true, c.out[begin:])
	c.stats.Sent++
}

// note shows a message to whoever watches.
func (c *connection) note(sent bool, message []byte) {
	if c.trace != nil {
		c.trace(sent, message)
	}
}

func (c *connection) emit(e Event) { c.events = append(c.events, e) }

// Output returns the bytes to be written to TCP, and forgets them. They are the caller's.
func (c *connection) Output() []byte {
	out := c.out
	c.out = nil
	return out
}

// Events returns what happened since the last call, in order, and forgets it.
func (c *connection) Events() []Event {
	events := c.events
	c.events = nil
	return events
}

// Stats returns the counters.
func (c *connection) Stats() Stats { return c.stats }

// Lost tells the machine that the TCP connection has ended or failed (cause nil or io.EOF: the peer
// closed it). All calls are down.
func (c *connection) Lost(_ time.Time, cause error) {
	if c.state == stateClosed {
		return
	}
	if c.state == stateWaitStop { // the peer closes TCP instead of answering: that is an answer
		c.close(c.reason)
		return
	}
	c.close(c.lost(cause))
}

// established begins the echo.
func (c *connection) established(now time.Time, e Started) {
	c.state = stateEstablished
	c.heard = now
	c.emit(e)
}

// stop sends a Stop-Control-Connection-Request and waits for the reply; reason is for Closed.
func (c *connection) stop(now time.Time, code uint8, reason error) {
	if c.state == stateWaitStop || c.state == stateClosed {
		return
	}
	c.send(StopRequest{Reason: code})
	if c.state == stateClosed {
		return
	}
	c.state, c.reason = stateWaitStop, reason
	c.deadline = now.Add(c.stopTimeout)
}

// close ends everything. Events and output stay to be fetched.
func (c *connection) close(reason error) {
	if c.state == stateClosed {
		return
	}
	c.state = stateClosed
	c.role.dropCalls(reason)
	c.emit(Closed{Reason: reason})
}

// Deadline returns when Tick should be called next.
func (c *connection) Deadline() (time.Time, bool) {
	switch c.state {
	case stateWaitStart, stateWaitStop:
		return c.deadline, true
	case stateEstablished:
	default:
		return time.Time{}, false
	}
	at, ok := c.echoDeadline()
	if call, has := c.role.callDeadline(); has && (!ok || call.Before(at)) {
		at, ok = call, true
	}
	return at, ok
}

// echoDeadline is when an Echo-Request is due, or given up.
func (c *connection) echoDeadline() (time.Time, bool) {
	switch {
	case c.echoing:
		return c.echoSent.Add(c.echoTimeout), true
	case c.echoInterval > 0:
		return c.heard.Add(c.echoInterval), true
	}
	return time.Time{}, false
}

// Tick does what is due at now. Calling it early, late or again is harmless.
func (c *connection) Tick(now time.Time) {
	switch c.state {
	case stateWaitStart:
		if !now.Before(c.deadline) {
			did := "connected"
			if c.role.dials() {
				did = "accepts the connection"
			}
			c.close(because(ErrTimeout, "the %s %s and says nothing: no Start-Control-Connection message within %v: is it a PPTP %s?", c.peerName, did, c.replyTimeout, c.peerName))
		}
	case stateWaitStop:
		if !now.Before(c.deadline) {
			c.close(c.reason)
		}
	case stateEstablished:
		c.echoTick(now)
		if c.state == stateEstablished {
			c.role.callTick(now)
		}
	}
}

func (c *connection) echoTick(now time.Time) {
	at, ok := c.echoDeadline()
	if !ok || now.Before(at) {
		return
	}
	if c.echoing {
		c.close(because(ErrTimeout, "the %s does not answer any more: no reply to an Echo-Request on the control connection within %v", c.peerName, c.echoTimeout))
		return
	}
	c.echoRequest(now)
}

// Probe sends an Echo-Request now, unless one is unanswered: a peer that has lost the connection
// refuses it.
func (c *connection) Probe(now time.Time) {
	if c.state != stateEstablished || c.echoing || c.echoInterval <= 0 {
		return
	}
	c.echoRequest(now)
}

func (c *connection) echoRequest(now time.Time) {
	c.echoID++
	c.echoing, c.echoSent = true, now
	c.stats.EchoRequests++
	c.send(EchoRequest{ID: c.echoID})
}

func (i identity) request() StartRequest {
	return StartRequest{Version: Version, Framing: anyFraming, Bearer: anyBearer, MaxChannels: i.maxChannels,
		Firmware: i.firmware, HostName: i.hostName, Vendor: i.vendor}
}

func (i identity) reply(result uint8) StartReply {
	return StartReply{Version: Version, Result: result, Framing: anyFraming, Bearer: anyBearer, MaxChannels: i.maxChannels,
		Firmware: i.firmware, HostName: i.hostName, Vendor: i.vendor}
}

// sameVersion reports whether a peer of version v speaks ours: the high octet is the version, the
// low one the revision.
func sameVersion(v uint16) bool { return v>>8 == Version>>8 }
