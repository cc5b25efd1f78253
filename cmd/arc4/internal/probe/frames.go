package probe

import (
	"slices"
	"time"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/diagnosis"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// Codes of control packets (RFC 1661 section 5).
const (
	configureRequest = 1
	configureAck     = 2
	configureNak     = 3
	configureReject  = 4
	protocolReject   = 8
	echoReply        = 10
)

// mostMethods bounds the methods that a server is said to ask for: one may ask for all numbers.
const mostMethods = 8

// openLink starts PPP over the call.
func (c *call) openLink() error {
	c.seq = gre.NewSequencer(gre.DefaultFirstSeq)
	link, err := c.walk.link(c.send, c.linkEvent, c.server.Addr())
	if err != nil {
		return err
	}
	c.link = link
	link.Open(time.Now())
	return nil
}

// send sends a frame of the link's. Who does not log in says nothing of a login.
func (c *call) send(frame []byte) {
	if c.User == "" && isLogin(frame) {
		return
	}
	if o, ok := ppp.ReadOffer(frame); ok {
		c.noteSent(&o)
	}
	c.transmit(frame, false)
}

// isLogin reports whether a frame is of an authentication protocol.
func isLogin(frame []byte) bool {
	proto, _, err := ppp.ParseFrame(frame)
	return err == nil && (proto == ppp.ProtoCHAP || proto == ppp.ProtoPAP || proto == ppp.ProtoEAP)
}

// transmit puts a frame into GRE and gives its number.
func (c *call) transmit(frame []byte, whole bool) error {
	h := gre.Header{CallID: c.toServer, PayloadLen: uint16(len(frame)), HasSeq: true, Seq: c.seq.Next()}
	if ack, due := c.acker.Piggyback(); due {
		h.HasAck, h.Ack = true, ack
	} else if whole && c.heardSeq {
		h.HasAck, h.Ack = true, c.lastSeq // as large as a header gets
	}
	g := &c.facts.GRE
	g.Sent++
	err := c.out.send(append(h.AppendTo(nil), frame...), whole)
	if err != nil && g.Refused == nil && !whole {
		g.Refused = err
	}
	return err
}

// noteSent notes what this end says of the link.
func (c *call) noteSent(o *ppp.Offer) {
	if o.Proto != ppp.ProtoLCP {
		return
	}
	switch o.Code {
	case configureRequest:
		c.acked, c.magic = false, o.Magic
	case configureAck:
		c.agreed = true
		c.facts.Link.Accepted = c.facts.Link.Accepted || o.Auth != ""
	case configureNak, configureReject:
		c.agreed = false
	}
	c.facts.Link.Open = c.facts.Link.Open || c.acked && c.agreed
}

// take takes a packet of the server's.
func (c *call) take(p packet) {
	h, frame, err := gre.Parse(p.data)
	if err != nil && err != gre.ErrEmpty || h.CallID != c.toUs || c.seq == nil {
		return
	}
	g := &c.facts.GRE
	if h.HasAck && int32(h.Ack-gre.DefaultFirstSeq) >= 0 && int32(c.seq.Last()-h.Ack) >= 0 {
		g.Acknowledged = true
	}
	g.Received++
	if !h.HasSeq || err != nil {
		return
	}
	c.acker.Received(p.at, h.Seq)
	if !c.heardSeq || int32(h.Seq-c.lastSeq) > 0 {
		c.heardSeq, c.lastSeq = true, h.Seq
	}
	c.echoes.arrived(h.Seq, p.at)
	if o, ok := ppp.ReadOffer(frame); ok {
		if o.Code == echoReply && o.Proto == ppp.ProtoLCP && c.echoes.returned(o.ID, o.Echo, h.Seq, p.at) {
			return
		}
		c.noteReceived(&o)
	}
	if c.User == "" && isLogin(frame) {
		return
	}
	if c.link != nil && !c.linkOver {
		c.link.Input(time.Now(), frame)
	}
}

// noteReceived notes what the server says of the link.
func (c *call) noteReceived(o *ppp.Offer) {
	l := &c.facts.Link
	answer := o.Code == configureAck || o.Code == configureNak || o.Code == configureReject
	if answer {
		c.facts.GRE.Acknowledged = true
	}
	if o.Proto == ppp.ProtoCCP {
		c.noteEncryption(o, answer)
		return
	}
	l.Heard = l.Heard || answer || o.Code == configureRequest
	switch o.Code {
	case configureRequest:
		c.agreed = false
		if l.MRU = o.MRU; o.Auth != "" && len(l.Methods) < mostMethods && !slices.Contains(l.Methods, o.Auth) {
			l.Methods = append(l.Methods, o.Auth)
		}
	case configureAck:
		c.acked = true
	case protocolReject:
		l.NoMPPE = l.NoMPPE || o.Rejected == ppp.ProtoCCP
	}
	l.Open = l.Open || c.acked && c.agreed
}

// noteEncryption notes what the server says of MPPE.
func (c *call) noteEncryption(o *ppp.Offer, answer bool) {
	l := &c.facts.Link
	switch {
	case o.Code == configureRequest || o.Code == configureNak:
		for _, s := range o.Strengths {
			if !slices.Contains(l.Offered, s) {
				l.Offered = append(l.Offered, s)
			}
		}
		l.Stateful = l.Stateful || len(o.Strengths) > 0 && !o.Stateless
		l.NoMPPE = l.NoMPPE || o.Code == configureRequest && len(o.Strengths) == 0
	case o.Code == configureReject && answer:
		l.NoMPPE = true
	}
}

// linkEvent takes one of the link's.
func (c *call) linkEvent(e ppp.Event) {
	l := &c.facts.Link
	switch e := e.(type) {
	case ppp.AuthSucceeded:
		l.LoggedIn = &e
	case ppp.AuthFailed:
		l.Refused = &e
	case ppp.EncryptionUp:
		l.Encrypted = &diagnosis.Encryption{Bits: e.Send.Strength, Stateless: e.Send.Stateless && e.Recv.Stateless}
		clear(e.Send.Key)
		clear(e.Recv.Key)
	case ppp.NetworkUp:
		l.Network = &e
	case ppp.Closing:
		if l.Down == nil && l.Network == nil {
			l.Down = e.Reason
		}
	case ppp.LinkDown:
		c.linkOver = true
		if l.Down == nil && l.Network == nil {
			l.Down = e.Reason
		}
	}
}
