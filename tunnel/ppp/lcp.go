package ppp

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// LCP option types (RFC 1661 section 6, RFC 1662 section 7.1).
const (
	lcpOptMRU   = 1
	lcpOptACCM  = 2
	lcpOptAuth  = 3
	lcpOptMagic = 5
	lcpOptPFC   = 7
	lcpOptACFC  = 8
)

// maxLoopedRequests with our own magic number prove a loop.
const maxLoopedRequests = 10

// lcpOptions is what one direction has agreed to, or asks for.
type lcpOptions struct {
	mru       int
	magic     uint32
	auth      AuthMethod // 0: none
	pfc, acfc bool
}

// lcp is the Link Control Protocol's part of the negotiation (RFC 1661 section
// 6); the rest of LCP is in echo.go and reject.go.
type lcp struct {
	plainLayer
	automaton
	link *Link

	ours  lcpOptions // what we ask for
	his   lcpOptions // what we accepted from the peer
	noMRU bool       // the peer rejected the option

	refusedAuth []AuthMethod // server: methods the peer has refused
	insisted    bool         // server: the peer has refused them all, and is asked for the last one again
	wantedAuth  string       // client: what the peer asked for last, for messages
	nakedEAP    *byte        // client: the identifier of the first request with EAP, which was Naked
	loops       int          // Configure-Requests with our magic number
	lonely      int          // Configure-Acks that came instead of the peer's own request, on a link that was up
	alive       echoState
	nonce       uint64 // in our Echo-Requests; 0: none
}

// newLCP sets the layer up with what the configuration asks for.
func newLCP(l *Link) *lcp {
	c := &lcp{link: l}
	c.automaton = l.automatonFor(ProtoLCP, c)
	c.ours.mru = l.cfg.MRU
	c.ours.pfc, c.ours.acfc = l.cfg.HeaderCompression, l.cfg.HeaderCompression
	if l.cfg.Server {
		c.ours.auth = l.cfg.Auth[0]
	}
	c.his.mru = defaultPeerMRU
	return c
}

// renew picks a magic number that is neither 0 nor the present one.
func (c *lcp) renew() {
	c.ours.magic = c.link.randomMagic(c.ours.magic)
}

func (c *lcp) request() []byte {
	var out []byte
	if !c.noMRU {
		out = appendOption(out, lcpOptMRU, binary.BigEndian.AppendUint16(nil, uint16(c.ours.mru)))
	}
	if c.ours.auth != 0 {
		out = appendOption(out, lcpOptAuth, c.ours.auth.option())
	}
	if c.ours.magic != 0 {
		out = appendOption(out, lcpOptMagic, binary.BigEndian.AppendUint32(nil, c.ours.magic))
	}
	if c.ours.pfc {
		out = appendOption(out, lcpOptPFC, nil)
	}
	if c.ours.acfc {
		out = appendOption(out, lcpOptACFC, nil)
	}
	return out
}

// maxLonely Configure-Acks without a request of the peer's own, each a restart timer after the
// last, show that it renegotiates nothing.
const maxLonely = 4

// acked takes an Ack on a link that was up and that we negotiate anew. By RFC 1661 the peer has
// begun anew as well, and its own request comes with the Ack. Some do not: accel-ppp acknowledges
// and stays open. What tells is an echo, which the peer answers only if it is open, and open it
// cannot be before we have acknowledged a request of its own.
func (c *lcp) acked([]byte) bool {
	if !c.link.wasUp || c.state != stReqSent {
		return true
	}
	if c.lonely++; c.lonely >= maxLonely {
		c.staysOpen()
		return false
	}
	c.askEcho(&c.alive.probed)
	return true
}

// lonelyEcho takes an Echo-Reply while only our own request is acknowledged.
func (c *lcp) lonelyEcho(p packet) bool {
	if p.code != codeEchoReply || c.state != stAckRcvd || c.lonely == 0 || len(p.data) < 4 {
		return false
	}
	if magic := binary.BigEndian.Uint32(p.data); magic != 0 && magic == c.ours.magic {
		return false
	}
	if _, ok := c.alive.probed.take(p.id); !ok {
		return false
	}
	c.staysOpen()
	return true
}

// staysOpen ends a link of which the peer's half is still the old one: its keys are gone here, so
// that a new call is needed.
func (c *lcp) staysOpen() {
	c.link.fail(down(ClassTimeout, "the link has to be negotiated anew, and the peer only acknowledges that and goes on with the old one"))
}

func (c *lcp) answer(options []byte, v *verdict) bool {
	c.lonely = 0
	if c.looped(options) {
		return c.answerLoop(v)
	}
	c.his = lcpOptions{mru: defaultPeerMRU}
	sound := true
	eachOption(options, func(o option) {
		if v.duplicate(o) {
			v.reject(o)
			return
		}
		switch o.typ {
		case lcpOptMRU:
			c.answerMRU(o, v)
		case lcpOptACCM:
			// No byte is ever escaped on this link, so any map is kept to. A
			// pppd behind a pty would escape 33 bytes if it were rejected.
			if len(o.value) != 4 {
				v.nak(o, make([]byte, 4))
			}
		case lcpOptAuth:
			sound = sound && c.answerAuth(o, v)
		case lcpOptMagic:
			c.answerMagic(o, v)
		case lcpOptPFC, lcpOptACFC:
			c.answerFlag(o, v)
		default:
			v.reject(o)
		}
	})
	if sound && !c.link.cfg.Server && !v.has(lcpOptAuth) {
		sound = c.demandAuth(v)
	}
	return sound
}

// answerMRU takes any MRU a control packet fits into.
func (c *lcp) answerMRU(o option, v *verdict) {
	if len(o.value) != 2 {
		v.nak(o, binary.BigEndian.AppendUint16(nil, defaultPeerMRU))
		return
	}
	mru := int(binary.BigEndian.Uint16(o.value))
	if mru < minMRU {
		v.nak(o, binary.BigEndian.AppendUint16(nil, minMRU))
		return
	}
	c.his.mru = mru
}

// answerMagic takes any number but 0 (RFC 1661 section 6.4).
func (c *lcp) answerMagic(o option, v *verdict) {
	if len(o.value) != 4 || binary.BigEndian.Uint32(o.value) == 0 {
		v.nak(o, binary.BigEndian.AppendUint32(nil, c.link.randomMagic(c.ours.magic)))
		return
	}
	c.his.magic = binary.BigEndian.Uint32(o.value)
}

// answerFlag takes a boolean option; one with a value is nothing we know.
func (c *lcp) answerFlag(o option, v *verdict) {
	switch {
	case len(o.value) != 0:
		v.reject(o)
	case o.typ == lcpOptPFC:
		c.his.pfc = true
	default:
		c.his.acfc = true
	}
}

// answerAuth judges the way the peer wants us to authenticate ourselves.
func (c *lcp) answerAuth(o option, v *verdict) bool {
	cfg := &c.link.cfg
	if cfg.Server {
		// Authentication goes one way: with both, the keys of MPPE are undefined.
		v.reject(o)
		return true
	}
	method, name := authFromOption(o.value)
	if method != 0 && slices.Contains(cfg.Auth, method) {
		if method == EAPMSCHAPv2 && !v.noNak && c.hasBetterThanEAP() {
			c.link.refused = "EAP, which is taken here of a server that insists on it"
			v.insist(lcpOptAuth, cfg.Auth[0].option())
			return true
		}
		c.his.auth = method
		return true
	}
	c.wantedAuth = name
	return c.demandAuth(v)
}

// hasBetterThanEAP reports whether a server that asks for EAP is to be asked for what we prefer
// first. Windows asks for EAP before MS-CHAPv2 by itself, and may mean a type of it that is not
// spoken here, whereas in EAP there is no way back.
func (c *lcp) hasBetterThanEAP() bool {
	if c.link.cfg.Auth[0] == EAPMSCHAPv2 {
		return false
	}
	if c.nakedEAP == nil {
		id := c.in.id
		c.nakedEAP = &id
	}
	return *c.nakedEAP == c.in.id
}

// demandAuth Naks with the method we prefer; a peer that has been told often
// enough is left.
func (c *lcp) demandAuth(v *verdict) bool {
	cfg := &c.link.cfg
	if !v.noNak {
		c.link.refused = fmt.Sprintf("no authentication, which is not allowed (allowed: %s)", methodNames(cfg.Auth))
		if c.wantedAuth != "" {
			c.link.refused = fmt.Sprintf("%s authentication, which is not allowed (allowed: %s)", c.wantedAuth, methodNames(cfg.Auth))
		}
		v.insist(lcpOptAuth, cfg.Auth[0].option())
		return true
	}
	if c.wantedAuth == "" {
		c.link.fail(down(ClassPolicy, "the peer does not ask for authentication, so it cannot prove who it is (allowed: %s)", methodNames(cfg.Auth)))
	} else {
		c.link.fail(down(ClassPolicy, "the peer insists on %s authentication, which is not allowed (allowed: %s)", c.wantedAuth, methodNames(cfg.Auth)))
	}
	return false
}

// looped reports whether a request carries our own magic number.
func (c *lcp) looped(options []byte) bool {
	same := false
	eachOption(options, func(o option) {
		if o.typ == lcpOptMagic && len(o.value) == 4 && c.ours.magic != 0 && binary.BigEndian.Uint32(o.value) == c.ours.magic {
			same = true
		}
	})
	return same
}

// answerLoop Naks with another number; ten times the same is no coincidence.
func (c *lcp) answerLoop(v *verdict) bool {
	c.link.stats.Looped++
	if c.loops++; c.loops >= maxLoopedRequests {
		c.link.fail(down(ClassLoop, "the link is looped back: our own requests come back"))
		return false
	}
	v.insist(lcpOptMagic, binary.BigEndian.AppendUint32(nil, c.link.randomMagic(c.ours.magic)))
	return true
}

func (c *lcp) naked(options []byte) {
	eachOption(options, func(o option) {
		switch o.typ {
		case lcpOptMRU:
			c.nakedMRU(o)
		case lcpOptMagic:
			if c.ours.magic != 0 {
				c.renew()
			}
		case lcpOptAuth:
			if c.ours.auth != 0 {
				c.nakedAuth(o)
			}
		case lcpOptPFC:
			c.ours.pfc = false
		case lcpOptACFC:
			c.ours.acfc = false
		}
	})
}

// nakedMRU follows the peer up to the size that every PPP end must take anyway,
// and stops asking where that is not enough for it.
func (c *lcp) nakedMRU(o option) {
	if len(o.value) == 2 {
		if mru := int(binary.BigEndian.Uint16(o.value)); mru >= minMRU && mru <= max(defaultPeerMRU, c.link.cfg.MRU) {
			c.ours.mru = mru
			return
		}
	}
	c.noMRU = true
}

// nakedAuth goes to the method the peer suggests if it is allowed, else to the
// next one it has not refused.
func (c *lcp) nakedAuth(o option) {
	cfg := &c.link.cfg
	c.refusedAuth = append(c.refusedAuth, c.ours.auth)
	suggested, name := authFromOption(o.value)
	if suggested != 0 && slices.Contains(cfg.Auth, suggested) && !slices.Contains(c.refusedAuth, suggested) {
		c.ours.auth = suggested
		return
	}
	for _, m := range cfg.Auth {
		if !slices.Contains(c.refusedAuth, m) {
			c.ours.auth = m
			return
		}
	}
	if !c.insisted {
		c.insisted = true // a client may prefer another method and have this one too
		return
	}
	c.link.fail(down(ClassPolicy, "the peer accepts none of the authentication methods allowed here (%s); it offers %s", methodNames(cfg.Auth), name))
}

func (c *lcp) rejected(options []byte) {
	eachOption(options, func(o option) {
		switch o.typ {
		case lcpOptMRU:
			c.noMRU = true
		case lcpOptMagic:
			c.ours.magic = 0
		case lcpOptAuth:
			c.link.fail(down(ClassPolicy, "the peer refuses to authenticate itself"))
		case lcpOptPFC:
			c.ours.pfc = false
		case lcpOptACFC:
			c.ours.acfc = false
		}
	})
}

func (c *lcp) stuck() {
	c.link.fail(down(ClassPeer, "LCP negotiation does not converge: the peer refused %d requests", c.refusals))
}

func (c *lcp) peerTerminates(text []byte) {
	if code, ok := rasReason(text); ok {
		c.link.leftForRAS(code)
	} else if len(text) > 0 {
		c.link.fail(c.link.leftByPeer(fmt.Sprintf("the peer closed the link: %q", printable(text))))
	} else {
		c.link.fail(c.link.leftByPeer("the peer closed the link"))
	}
}

func (c *lcp) terminateText() []byte { return c.link.terminateText() }

func (c *lcp) up() { c.link.established() }
func (c *lcp) down() {
	c.lonely, c.alive.probed = 0, echoIDs{}
	c.link.lost()
}

func (c *lcp) finished(cause event) {
	switch cause {
	case evTOMinus:
		if c.link.reason == nil {
			c.link.fail(c.silent())
		}
	case evRXJMinus:
		c.link.fail(down(ClassPeer, "the peer rejects LCP itself"))
	}
	c.link.finish()
}

// silent is the reason for a peer that never answered.
func (c *lcp) silent() *DownError {
	cfg := &c.link.cfg
	d := down(ClassTimeout, "the peer does not complete LCP: %d Configure-Requests in %s without agreement", maxConfigure, cfg.RestartTimer*maxConfigure)
	if c.link.heard == 0 {
		d.Message = "the peer does not answer LCP: not one PPP frame came in " + (cfg.RestartTimer * maxConfigure).String()
		d.NothingReceived = true
	}
	return d
}
