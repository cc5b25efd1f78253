package ppp

import "time"

// resetState is our Reset-Request (RFC 1962 section 3.1, RFC 3078 section 8.2).
type resetState struct {
	timer time.Time // zero: none outstanding
	id    byte
	// Those that were sent to see whether the peer's CCP is open (doubt.go).
	probed echoIDs
}

// requestReset sends a Reset-Request if none is outstanding and packets come in
// stateful mode.
func (c *ccp) requestReset() {
	if c.state != stOpened || c.want&mppeStateless != 0 || !c.reset.timer.IsZero() {
		return
	}
	c.reset.id++
	c.sendReset()
}

// sendReset sends the outstanding request, each time with the same identifier.
func (c *ccp) sendReset() {
	c.reset.timer = c.link.now.Add(resetRequestInterval)
	c.link.stats.ResetRequestsOut++
	c.link.transmit(ProtoCCP, codeResetRequest, c.reset.id, nil)
}

// askReset sends a Reset-Request of which nothing but the answer matters.
func (c *ccp) askReset() {
	c.reset.id++
	c.reset.probed.add(c.reset.id, c.link.now)
	c.link.stats.ResetRequestsOut++
	c.link.transmit(ProtoCCP, codeResetRequest, c.reset.id, nil)
}

// endReset forgets the outstanding request.
func (c *ccp) endReset() { c.reset.timer = time.Time{} }

// expireReset repeats it.
func (c *ccp) expireReset() {
	if c.state == stOpened && !c.reset.timer.IsZero() && !c.link.now.Before(c.reset.timer) {
		c.sendReset()
	}
}

// extra handles the two codes CCP adds.
func (c *ccp) extra(p packet) bool {
	l := c.link
	switch p.code {
	case codeResetRequest:
		if c.state != stOpened {
			l.stats.WrongPhase++
			return true
		}
		l.stats.ResetRequestsIn++
		// The encrypter first: its next packet must already be FLUSHED when the
		// peer sees the Ack. In stateless mode every packet is.
		if c.his&mppeStateless == 0 {
			l.out.pushEvent(ResetRequested{})
		}
		l.transmit(ProtoCCP, codeResetAck, p.id, nil)
	case codeResetAck:
		if at, ok := c.reset.probed.take(p.id); ok && c.state == stOpened {
			l.answered(l.now.Sub(at))
			l.speaksAgainst(&l.doubts.ccp)
			return true
		}
		if c.state != stOpened || c.reset.timer.IsZero() || p.id != c.reset.id {
			l.stats.WrongID++
			return true
		}
		c.endReset()
	default:
		return false
	}
	return true
}
