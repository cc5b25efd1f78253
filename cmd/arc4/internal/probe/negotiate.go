package probe

import (
	"time"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/diagnosis"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// negotiateTime is how long each step of PPP may take: the ten Configure-Requests of RFC 1661.
const negotiateTime = 35 * time.Second

// passGRE begins with PPP, and sees whether GRE passes both ways.
func (c *call) passGRE() bool {
	g := &c.facts.GRE
	c.Begun(diagnosis.Sent)
	if g.Permission == nil {
		g.Permission = c.openLink()
	}
	// One ICMP error says little: a server may open its socket a moment after it has accepted the
	// call.
	if g.Permission == nil && !c.until(silence, g.Passes) && !c.icmp() && g.Received == 0 && !c.over {
		c.farewell()
	}
	g.AtDevice = c.arrivals.count()
	sent := c.judge(c.ctx, diagnosis.Sent)
	received := c.judge(c.ctx, diagnosis.Received)
	return sent && received
}

// icmp notes what ICMP says, and reports whether it says anything.
func (c *call) icmp() bool {
	if c.out == nil {
		return false
	}
	words, mtu := c.out.trouble()
	if words != "" {
		c.facts.GRE.ICMP = words
	}
	if mtu > 0 {
		c.facts.Path.PathMTU = mtu
	}
	return c.facts.GRE.ICMP != ""
}

// farewell asks the server by GRE to end the call, and waits whether it does so by TCP: if it does,
// what we send arrives, and what it sends does not.
func (c *call) farewell() {
	end := time.Now().Add(farewellTime)
	for time.Now().Before(end) && c.ctx.Err() == nil && !c.over && !c.facts.GRE.HungUp {
		c.facts.GRE.Farewell = true
		for _, frame := range ppp.AppendFarewell(nil, 200) {
			_ = c.transmit(frame, false)
		}
		if c.until(farewellTime/4, func() bool { return c.facts.GRE.HungUp }) {
			return
		}
	}
}

// negotiate goes through the steps of PPP, and reports whether there is a link to measure.
func (c *call) negotiate() bool {
	l := &c.facts.Link
	c.Begun(diagnosis.LCP)
	c.until(negotiateTime, func() bool { return l.Open || l.Down != nil })
	if !c.judge(c.ctx, diagnosis.LCP) || !c.judge(c.ctx, diagnosis.Methods) {
		return false
	}
	if c.User != "" {
		ended := func() bool { return l.Down != nil || l.Ended != nil || l.Network != nil }
		c.Begun(diagnosis.Login)
		c.until(negotiateTime, func() bool { return l.LoggedIn != nil || l.Refused != nil || l.Encrypted != nil || ended() })
		if !c.judge(c.ctx, diagnosis.Login) {
			return false
		}
		c.Begun(diagnosis.MPPE)
		c.until(negotiateTime, func() bool { return l.Encrypted != nil || ended() })
		if !c.judge(c.ctx, diagnosis.MPPE) {
			return false
		}
		c.Begun(diagnosis.Addresses)
		c.until(negotiateTime, ended)
		if n := l.Network; n != nil {
			if around, err := netdev.LookAround(""); err == nil {
				local, _ := netdev.Judge(netdev.Given{Local: n.Local, Server: c.server.Addr()}, around)
				l.Taken = local.Reason
			}
		}
		return c.judge(c.ctx, diagnosis.Addresses)
	}
	for _, s := range []diagnosis.Step{diagnosis.Login, diagnosis.MPPE, diagnosis.Addresses} {
		c.judge(c.ctx, s)
	}
	return true
}
