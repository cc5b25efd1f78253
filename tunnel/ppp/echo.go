package ppp

import (
	"encoding/binary"
	"io"
	"time"
)

// maxLoopedEchoes of our own prove a loop.
const maxLoopedEchoes = 3

// echoState is LCP's keep-alive (RFC 1661 section 5.8).
type echoState struct {
	timer      time.Time // zero: off
	life       time.Time // the peer's last sign of it
	unanswered int       // Echo-Requests since then
	looped     int
	refused    bool    // the peer rejected the code
	answered   bool    // the peer has answered once
	asked      echoIDs // to see whether the peer lives
	probed     echoIDs // to see whether it is open (doubt.go)
}

// echoIDs are the identifiers of Echo-Requests without an answer, as many of the last ones as
// matter.
type echoIDs struct {
	id [8]byte
	at [8]time.Time // when it was asked; zero: not, or it was answered
	n  int
}

func (e *echoIDs) add(id byte, now time.Time) {
	i := e.n % len(e.id)
	e.id[i], e.at[i] = id, now
	e.n++
}

// take gives when the Echo-Request of an identifier was sent, and forgets it; false: there is none.
func (e *echoIDs) take(id byte) (at time.Time, ok bool) {
	for i := range e.id {
		if !e.at[i].IsZero() && e.id[i] == id {
			at, e.at[i] = e.at[i], time.Time{}
			return at, true
		}
	}
	return time.Time{}, false
}

// startEcho begins when LCP opens.
func (c *lcp) startEcho() {
	c.alive = echoState{refused: c.alive.refused, life: c.link.now}
	if c.link.cfg.EchoInterval > 0 && !c.alive.refused {
		c.alive.timer = c.echoDue()
	}
}

// stopEcho ends when LCP leaves the opened state.
func (c *lcp) stopEcho() { c.alive.timer = time.Time{} }

// echoDue is when the next Echo-Request is due, or the peer is given up: EchoFailures times
// EchoInterval after its last sign of life. An Echo-Request goes out after each interval, the last
// one when half of the last interval is left, so that it may yet be answered.
func (c *lcp) echoDue() time.Time { return c.alive.life.Add(c.echoAfter(c.alive.unanswered + 1)) }

// echoAfter is how long after the last sign of life the n-th Echo-Request is due, counted from 1;
// the one behind the last is the end.
func (c *lcp) echoAfter(n int) time.Duration {
	interval, failures := c.link.cfg.EchoInterval, c.link.cfg.EchoFailures
	switch {
	case n > failures:
		return interval * duration(failures)
	case n == failures:
		return interval*duration(failures) - interval/2
	}
	return interval * duration(n)
}

// expireEcho sends the next request, or gives the peer up.
func (c *lcp) expireEcho() {
	if c.alive.timer.IsZero() || c.link.now.Before(c.alive.timer) {
		return
	}
	if at := c.link.lastData(); at.After(c.alive.life) {
		c.lives(at)
	}
	cfg := &c.link.cfg
	switch due := c.echoDue(); {
	case c.link.now.Before(due):
	case c.alive.unanswered >= cfg.EchoFailures:
		c.stopEcho()
		c.link.fail(down(ClassTimeout, "the peer is gone: %d LCP echoes without an answer in %s", c.alive.unanswered, cfg.EchoInterval*duration(cfg.EchoFailures)))
		return
	default:
		c.alive.unanswered++
		// Where this end has slept, the peer gets the rest of its time all the same.
		if slept := c.link.now.Sub(due); slept > 0 {
			c.alive.life = c.alive.life.Add(slept)
		}
		c.askEcho(&c.alive.asked)
	}
	c.alive.timer = c.echoDue()
}

// lives notes a sign of life of the peer.
func (c *lcp) lives(at time.Time) {
	c.alive.unanswered = 0
	c.link.proved(at)
	if at.After(c.alive.life) {
		c.alive.life = at
	}
	if !c.alive.timer.IsZero() {
		c.alive.timer = c.echoDue()
	}
}

// Life is when the peer gave its last sign of life that LCP knows of, the zero time if the link has
// never been open, and how many Echo-Requests it has not answered since.
func (l *Link) Life() (last time.Time, unanswered int) {
	return l.lcp.alive.life, l.lcp.alive.unanswered
}

// askEcho sends an Echo-Request and keeps its identifier. The peer returns the data behind the
// magic number (RFC 1661 section 5.8), so a reply that has them is the peer's, whatever it fills in
// as its own magic number.
func (c *lcp) askEcho(ids *echoIDs) {
	id := c.newID()
	ids.add(id, c.link.now)
	data := binary.BigEndian.AppendUint32(make([]byte, 0, 12), c.ours.magic)
	if c.nonce != 0 {
		data = binary.BigEndian.AppendUint64(data, c.nonce)
	}
	c.link.transmit(ProtoLCP, codeEchoRequest, id, data)
}

// echo answers an Echo-Request, takes an Echo-Reply, and drops a Discard-Request.
// The automaton calls it in state Opened only.
func (c *lcp) echo(p packet) {
	if len(p.data) < 4 {
		c.link.stats.Malformed++
		return
	}
	magic := binary.BigEndian.Uint32(p.data)
	if magic != 0 && magic == c.ours.magic {
		c.link.stats.Looped++
		// A link that was up is no loop: the other end has proved that it knows what we do not
		// send.
		if c.alive.looped++; c.alive.looped >= maxLoopedEchoes && !c.link.wasUp {
			c.link.fail(down(ClassLoop, "the link is looped back: our own echoes come back"))
		}
		return
	}
	if magic != 0 && magic != c.his.magic {
		// Some peers never fill the field as agreed; their echoes still prove
		// that they live.
		c.link.stats.WrongMagic++
	}
	switch p.code {
	case codeEchoRequest:
		c.link.stats.EchoRequestsIn++
		c.replyEcho(p)
	case codeEchoReply:
		c.link.stats.EchoRepliesIn++
		c.answeredEcho(p.id)
	}
}

// answeredEcho takes an answer to one of our Echo-Requests; one to none is no sign of life.
func (c *lcp) answeredEcho(id byte) {
	at, ok := c.alive.probed.take(id)
	if ok {
		c.link.speaksAgainst(&c.link.doubts.lcp)
	} else if at, ok = c.link.asks.caughtUp.take(id); ok {
		c.link.out.pushEvent(CaughtUp{})
	} else if at, ok = c.alive.asked.take(id); !ok {
		c.link.stats.WrongID++
		return
	}
	c.alive.answered = true
	c.link.answered(c.link.now.Sub(at))
	c.lives(c.link.now)
}

// EchoMagic is the magic number in a frame that is an LCP Echo-Request or -Reply.
func EchoMagic(frame []byte) (magic uint32, ok bool) {
	proto, info, err := ParseFrame(frame)
	if err != nil || proto != ProtoLCP {
		return 0, false
	}
	p, err := parsePacket(info)
	if err != nil || p.code != codeEchoRequest && p.code != codeEchoReply || len(p.data) < 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(p.data), true
}

// drawNonce chooses the nonce, once in the life of a link; without random numbers there is none.
func (c *lcp) drawNonce() {
	var b [8]byte
	if _, err := io.ReadFull(c.link.cfg.Rand, b[:]); err == nil {
		c.nonce = binary.BigEndian.Uint64(b[:])
	}
}

// EchoNonce is the number that a frame returns if it is an LCP Echo-Reply to an Echo-Request of a
// Link's.
func EchoNonce(frame []byte) (nonce uint64, ok bool) {
	proto, info, err := ParseFrame(frame)
	if err != nil || proto != ProtoLCP {
		return 0, false
	}
	p, err := parsePacket(info)
	if err != nil || p.code != codeEchoReply || len(p.data) != 12 {
		return 0, false
	}
	return binary.BigEndian.Uint64(p.data[4:]), true
}

// replyEcho returns the data under our own magic number, cut to the peer's MRU.
func (c *lcp) replyEcho(p packet) {
	data := binary.BigEndian.AppendUint32(nil, c.ours.magic)
	data = append(data, p.data[4:]...)
	data = data[:min(len(data), c.link.peerMRU()-headerLen)]
	c.link.transmit(ProtoLCP, codeEchoReply, p.id, data)
}

// extra handles the codes LCP has beyond those of every protocol.
func (c *lcp) extra(p packet) bool {
	switch p.code {
	case codeProtocolReject:
		c.protocolRejected(p)
	case codeEchoRequest, codeEchoReply, codeDiscardRequest:
		switch {
		case c.state == stOpened:
			c.handle(evRXR)
		case !c.lonelyEcho(p):
			c.link.stats.WrongPhase++
		}
	case codeIdentification, codeTimeRemaining:
		// Legal, and of no use to us (RFC 1570 section 2).
	default:
		return false
	}
	return true
}

// codeRejected: a peer without echoes can be lived with, it just cannot be
// watched.
func (c *lcp) codeRejected(code byte) bool {
	if code == codeEchoRequest && !c.alive.answered {
		c.alive.refused = true
		c.stopEcho()
	}
	if c.plainLayer.codeRejected(code) {
		return true
	}
	c.link.fail(down(ClassPeer, "the peer rejects LCP packets of code %d", code))
	return false
}
