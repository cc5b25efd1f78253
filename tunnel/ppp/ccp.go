package ppp

import (
	"encoding/binary"

	"github.com/arc4tun/arc4tun/mppe"
)

// maxCCPTries is how often a peer that stays silent is asked for encryption where
// the link may do without.
const maxCCPTries = 6

// ccp is the Compression Control Protocol (RFC 1962) with MPPE as its one method
// (RFC 3078 section 2). What we request is what we decrypt, what the peer
// requests is what we encrypt.
type ccp struct {
	plainLayer
	automaton
	link *Link

	want    uint32 // bits of our next request
	his     uint32 // bits accepted from the peer
	trouble string // why encryption will not come, for the message
	reset   resetState
}

// newCCP makes the layer, which begin fills.
func newCCP(l *Link) *ccp {
	c := &ccp{link: l}
	c.automaton = l.automatonFor(ProtoCCP, c)
	if !l.cfg.MPPE.required() {
		c.lim.maxConfigure = min(c.lim.maxConfigure, maxCCPTries)
	}
	return c
}

// begin starts the negotiation with everything the policy allows.
func (c *ccp) begin() {
	c.want = c.link.cfg.MPPE.allowedBits()
	if c.link.cfg.MPPE.Stateful != StatefulRequired {
		c.want |= mppeStateless
	}
	c.his, c.trouble = 0, ""
	c.start()
}

// running reports whether CCP is being spoken.
func (c *ccp) running() bool { return c.state > stStarting }

func (c *ccp) request() []byte { return appendMPPE(nil, c.want) }

// peerTerminates: a peer that closes CCP before it has opened wants none of it.
func (c *ccp) peerTerminates([]byte) {
	if c.state >= stReqSent && c.state < stOpened {
		c.giveUp("the peer closed its negotiation (CCP)")
	}
}

// choose is what the policy makes of bits that the peer requests: exactly one
// strength, the strongest that both have, else the strongest of ours.
func (c *ccp) choose(bits uint32) uint32 {
	policy := &c.link.cfg.MPPE
	allowed := policy.allowedBits()
	choice := strongest(bits & allowed)
	// What the peer has agreed to decrypt it can surely encrypt: go for the
	// same both ways.
	if agreed := c.want & mppeStrengths & bits; c.state == stAckRcvd && strongest(agreed) == c.want&mppeStrengths {
		choice = agreed
	}
	if choice == 0 {
		choice = strongest(allowed)
	}
	stateless := policy.Stateful == StatefulNever
	if policy.Stateful == StatefulAllowed {
		stateless = bits&mppeStateless != 0 || bits&mppeStrengths == 0
	}
	if stateless {
		choice |= mppeStateless
	}
	return choice
}

func (c *ccp) answer(options []byte, v *verdict) bool {
	c.his = 0
	eachOption(options, func(o option) {
		switch {
		case o.typ != ccpOptMPPE || v.duplicate(o):
			v.reject(o)
		case v.noNak:
			// Handled below: MPPE itself is never rejected.
		case len(o.value) != 4:
			v.nak(o, binary.BigEndian.AppendUint32(nil, c.choose(0)))
		default:
			bits := binary.BigEndian.Uint32(o.value)
			if choice := c.choose(bits); bits != choice {
				c.trouble = "it asks for " + mppeBitsString(bits)
				v.nak(o, binary.BigEndian.AppendUint32(nil, choice))
				return
			}
			c.his = bits
		}
	})
	return c.settleAnswer(options, v)
}

// settleAnswer deals with a request that has no MPPE in it, and with a peer that
// has been told often enough what we take.
func (c *ccp) settleAnswer(options []byte, v *verdict) bool {
	if v.noNak {
		c.his = soleMPPE(options)
		if c.his != c.choose(c.his) || c.his == 0 {
			c.giveUp("the peer does not agree to the encryption allowed here")
			return false
		}
		return true
	}
	if !v.has(ccpOptMPPE) {
		c.trouble = "it asks for none"
		v.want(ccpOptMPPE, binary.BigEndian.AppendUint32(nil, c.choose(0)))
	}
	if c.his != 0 && len(v.rejected) == 0 {
		c.converge()
	}
	return true
}

// soleMPPE is the bits of a request that holds option 18 once and whole, else 0.
func soleMPPE(options []byte) uint32 {
	var bits uint32
	n := 0
	eachOption(options, func(o option) {
		if n++; o.typ == ccpOptMPPE && len(o.value) == 4 {
			bits = binary.BigEndian.Uint32(o.value)
		}
	})
	if n != 1 {
		return 0
	}
	return bits
}

// converge asks from now on for what was accepted from the peer, unless the peer
// has accepted something from us already.
func (c *ccp) converge() {
	if c.state == stReqSent || c.state == stAckSent {
		c.want = c.his
	}
}

// acked refuses an Ack of several strengths at once, which means nothing; the
// next request has only the strongest.
func (c *ccp) acked(options []byte) bool {
	bits := soleMPPE(options)
	if one := strongest(bits); bits&mppeStrengths != one {
		c.link.stats.Malformed++
		c.want = one | bits&mppeStateless
		return false
	}
	c.want = bits
	return true
}

func (c *ccp) naked(options []byte) {
	policy := &c.link.cfg.MPPE
	eachOption(options, func(o option) {
		if o.typ != ccpOptMPPE || len(o.value) != 4 {
			return
		}
		bits := binary.BigEndian.Uint32(o.value)
		c.trouble = "it offers " + mppeBitsString(bits)
		strength := strongest(bits & policy.allowedBits())
		stateless := bits & mppeStateless
		switch {
		case strength == 0:
			c.giveUp("the peer does not agree to a strength of encryption allowed here")
		case stateless == 0 && policy.Stateful == StatefulNever:
			c.giveUp("the peer wants stateful encryption, which is not allowed")
		case stateless != 0 && policy.Stateful == StatefulRequired:
			c.giveUp("the peer wants stateless encryption, and stateful is required")
		default:
			c.want = strength | stateless
		}
	})
}

func (c *ccp) rejected([]byte) { c.giveUp("the peer refuses encryption (MPPE)") }

// repeats: a request like the one agreed on is a retransmission until the peer
// has shown that it is past CCP. Afterwards it would start the keys over.
func (c *ccp) repeats() bool { return !c.link.networkUp }

func (c *ccp) stuck() { c.giveUp("the peer does not agree to the encryption allowed here") }

// giveUp ends the link, or goes on in clear where that is allowed.
func (c *ccp) giveUp(why string) {
	l := c.link
	if l.cfg.MPPE.required() {
		if c.trouble != "" {
			why += ": " + c.trouble
		}
		l.fail(down(ClassPolicy, "encryption is required, but %s", why))
		return
	}
	// The close waits until the packet being worked on is done.
	l.withoutEncryption = true
}

// refusedByPeer takes a Protocol-Reject of CCP.
func (c *ccp) refusedByPeer() {
	l := c.link
	if !c.running() {
		return
	}
	if l.cfg.MPPE.required() {
		l.fail(down(ClassPolicy, "encryption is required, but the peer does not know CCP"))
		return
	}
	c.stop()
	l.startNetwork()
}

// up: both directions are agreed on.
func (c *ccp) up() {
	l := c.link
	recv, err := c.direction(c.want, false)
	if err == nil {
		var send Direction
		if send, err = c.direction(c.his, true); err == nil {
			l.encrypted, l.wasEncrypted = true, true
			c.reset = resetState{id: c.reset.id}
			l.out.pushEvent(EncryptionUp{Send: send, Recv: recv})
			if l.networkUp {
				l.networkChanged() // it came late, and takes room in every packet
			}
			l.startNetwork()
			return
		}
	}
	l.fail(down(ClassAdmin, "no encryption keys: %v", err))
}

// direction makes the start key of one direction.
func (c *ccp) direction(bits uint32, send bool) (Direction, error) {
	l := c.link
	d := Direction{Strength: strengthOf(bits), Stateless: bits&mppeStateless != 0}
	keys, err := mppe.KeysFromMSCHAPv2(l.creds.passwordHash, l.creds.ntResponse, d.Strength, l.cfg.Server)
	if err != nil {
		return Direction{}, err
	}
	other := keys.Send
	d.Key = keys.Recv
	if send {
		d.Key, other = keys.Send, keys.Recv
	}
	clear(other)
	return d, nil
}

// down: encryption that was up never goes down alone, and is never negotiated
// anew: the same start keys would encrypt other data with the same key stream.
func (c *ccp) down() {
	c.endReset()
	if c.link.lcp.state == stOpened {
		c.link.fail(down(ClassPolicy, "the peer closed or renegotiated encryption while the link was up"))
	}
}

// finished: CCP will not open.
func (c *ccp) finished(cause event) {
	l := c.link
	if l.lcp.state != stOpened || l.reason != nil || l.encrypted {
		return
	}
	if l.cfg.MPPE.required() {
		why := "the peer closed its negotiation (CCP)"
		if cause == evTOMinus {
			why = "the peer does not complete its negotiation (CCP)"
		}
		l.fail(down(ClassPolicy, "encryption is required, but %s", why))
		return
	}
	l.startNetwork()
}
