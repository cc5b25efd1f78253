package uplink

import (
	"cmp"
	"fmt"
	"net/netip"
	"syscall"
	"time"
)

// reselect chooses anew for every path that something may have changed for.
func (u *Uplink) reselect(now time.Time) {
	known := map[int]linkFacts{}
	for {
		var replaced []transmitter
		for p := range u.paths {
			if !p.dirty {
				continue
			}
			p.dirty = false
			r, why, old := u.selectRoute(now, p, known)
			u.take(p, r, why)
			if old != nil {
				replaced = append(replaced, old)
			}
		}
		if len(replaced) == 0 {
			break
		}
		for _, tx := range replaced {
			u.dismiss(tx)
		}
	}
	u.log()
}

// dismiss closes a transmitter that a better one has replaced.
func (u *Uplink) dismiss(tx transmitter) {
	for p := range u.paths {
		if r := p.cur.Load(); r != nil && r.tx == tx {
			p.leave(r)
			p.dirty = true
		}
	}
	tx.close()
}

// take gives a path its route; nil is the raw socket.
func (u *Uplink) take(p *Path, r *route, why string) {
	if p.why != why {
		u.cfg.Log.Debug("way out", "peer", p.peer, "fast", r != nil, "why", why)
		p.why = why
	}
	old := p.cur.Load()
	switch {
	case r == nil:
		p.leave(old)
		return
	case old == nil:
	case r.header == old.header && r.mtu == old.mtu && r.tx == old.tx:
		return
	default:
		p.past.Add(old.sent.Load())
	}
	p.counted = 0
	p.delivery.again()
	p.cur.Store(r)
}

// selectRoute finds the route for a path, or says why the raw socket has its packets. It returns
// the transmitter, if any, that a better one has replaced.
func (u *Uplink) selectRoute(now time.Time, p *Path, known map[int]linkFacts) (r *route, why string, old transmitter) {
	if e := syscall.Errno(p.refused.Swap(0)); e != 0 {
		p.hold.failed(now)
		p.held = fmt.Sprintf("the raw socket may not send to %s (%v): a firewall rule refuses GRE", p.peer, e)
	}
	switch {
	case !p.up:
		return nil, notUp, nil
	case p.ack.Load() == 0:
		return nil, noAnswer, nil
	case p.ban != "" && !p.banned.allows(now):
		return nil, p.ban, nil
	case p.held != "" && !p.hold.allows(now):
		return nil, p.held, nil
	}
	p.ban = ""
	f := u.host.routeTo(u.cfg.Local, p.peer, u.cfg.Mark, u.only, known)
	p.link, p.nextHop = f.link.index, f.nextHop
	if why := u.ineligible(p, f); why != "" {
		return nil, why, nil
	}
	if n := int(p.tooLong.Load()); n > f.mtuOf() {
		return nil, fmt.Sprintf("packets of %d bytes exceed the %d that %s takes: a lower MTU in the tunnel would help", n, f.mtuOf(), f.link.name), nil
	}
	l := u.link(f.link)
	if l.isBarred(now) {
		return nil, l.barred, nil
	}
	ways := u.cfg.Mode.ways()
	old = l.choose(now, ways, transmitters(cmp.Or(u.cfg.Frames, defaultFrames)))
	if l.tx == nil {
		return nil, l.reasons(ways), nil
	}
	return &route{
		header: newHeader(f.link.mac, u.neighbour(f).mac, u.cfg.Local, p.peer),
		mtu:    f.wholeFrame(), link: f.link.index, tx: l.tx, ids: &u.ids,
	}, l.describe(f.nextHop.String()), old
}

// wholeFrame is the longest IP packet that goes to a peer whole and fits a frame of a transmitter,
// in bytes: links may take longer ones, of which the end would be missing.
func (r routeFacts) wholeFrame() int { return min(r.mtuOf(), frameSize-ethernetLen) }

func (u *Uplink) ineligible(p *Path, f routeFacts) string {
	if u.whole == nil {
		whole := u.host.whole(u.cfg.Mark)
		u.whole = &whole
	}
	return ineligible(u.cfg.Local, p.peer, f, u.neighbour(f), *u.whole, u.cfg.Mode.forced())
}

// neighbour is what is known of a route's next hop.
func (u *Uplink) neighbour(f routeFacts) neighbourFacts {
	if !f.link.ethernet {
		return neighbourFacts{}
	}
	all, asked := u.neighbours[f.link.index]
	if !asked {
		var err error
		if all, err = u.host.neighbours(f.link.index); err != nil {
			all = map[netip.Addr]neighbourFacts{}
		}
		u.neighbours[f.link.index] = all
	}
	return all[f.nextHop]
}

// link gives the record of an interface.
func (u *Uplink) link(f linkFacts) *link {
	l := u.links[f.index]
	if l == nil {
		l = &link{index: f.index}
		u.links[f.index] = l
	}
	l.name = f.name
	return l
}

// log says once what has changed on a link.
func (u *Uplink) log() {
	for _, l := range u.links {
		if why := l.unsaid(u.cfg.Mode.ways()); why != "" {
			u.cfg.Log.Warn("a fast way of sending cannot be used", "device", l.name, "reason", why)
		}
	}
}
