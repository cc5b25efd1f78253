package ppp

import (
	"encoding/binary"
	"time"
)

// maxLoopedEchoes of our own prove a loop.
const maxLoopedEchoes = 3

// echoState is LCP's keep-alive (RFC 1661 section 5.8).
type echoState struct {
	timer      time.Time // zero: off
	unanswered int
	looped     int
	refused    bool // the peer rejected the code
}

// startEcho begins when LCP opens.
func (c *lcp) startEcho() {
	c.alive = echoState{refused: c.alive.refused}
	if c.link.cfg.EchoInterval > 0 && !c.alive.refused {
		c.alive.timer = c.link.now.Add(c.link.cfg.EchoInterval)
	}
}

// stopEcho ends when LCP leaves the opened state.
func (c *lcp) stopEcho() { c.alive.timer = time.Time{} }

// expireEcho sends the next request, or gives the peer up.
func (c *lcp) expireEcho() {
	if c.alive.timer.IsZero() || c.link.now.Before(c.alive.timer) {
		return
	}
	cfg := &c.link.cfg
	if c.alive.unanswered >= cfg.EchoFailures {
		c.stopEcho()
		c.link.fail(down(ClassTimeout, "the peer is gone: %d LCP echoes without an answer in %s", c.alive.unanswered, cfg.EchoInterval*duration(c.alive.unanswered)))
		return
	}
	c.alive.unanswered++
	c.alive.timer = c.link.now.Add(cfg.EchoInterval)
	c.link.transmit(ProtoLCP, codeEchoRequest, c.newID(), binary.BigEndian.AppendUint32(nil, c.ours.magic))
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
		if c.alive.looped++; c.alive.looped >= maxLoopedEchoes {
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
		c.alive.unanswered = 0
	}
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
		if c.state == stOpened {
			c.handle(evRXR)
		} else {
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
	if code == codeEchoRequest {
		c.alive.refused = true
		c.stopEcho()
	}
	if c.plainLayer.codeRejected(code) {
		return true
	}
	c.link.fail(down(ClassPeer, "the peer rejects LCP packets of code %d", code))
	return false
}
