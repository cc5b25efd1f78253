package pppdhook

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
)

// Events are those of one link. Its programs run one after the other, in the order of what has
// happened, and nobody waits for them but for IPPreUp. Its methods may be called from any
// goroutine.
type Events struct {
	r *Runner

	mu      sync.Mutex
	isUp    bool // the programs were told so, or will be
	link    Link // of which they were told
	toldUp  bool // the same of what has been told, or is being told
	told    Link
	pending []event
	running bool
}

// event is what the programs of one moment are told.
type event struct {
	link      Link
	gone      *Traffic // nil: the link is up
	four, six bool     // which families have changed
}

// after is the link as it is known once the event has been told.
func (v event) after() Link {
	l := v.link
	if v.gone != nil && v.six {
		l.LocalIPv6, l.RemoteIPv6 = netip.Addr{}, netip.Addr{}
	}
	return l
}

// waiting is how many events of a link wait at most: beyond that they become its end and what it is
// now, however often a peer negotiates anew while a program hangs.
const waiting = 4

// Link gives the events of another link.
func (r *Runner) Link() *Events { return &Events{r: r} }

// PreUp runs IPPreUp and waits for it, its turn included, until ctx ends or Limits.PreUp is over:
// then it is killed, or left out.
func (e *Events) PreUp(ctx context.Context, l Link) {
	p := e.r.programs
	if p.IPPreUp == "" {
		return
	}
	e.r.working.Add(1)
	defer e.r.working.Done()
	// The link waits for a place as well, which other links' programs may hold for long.
	ctx, cancel := context.WithTimeoutCause(ctx, e.r.limits.PreUp, errors.New("the link waited longer than "+e.r.limits.PreUp.String()))
	defer cancel()
	e.r.run(ctx, l.arguments(p.IPPreUp, false, p.IPParam), l.environment(nil), e.r.limits.Longest)
}

// Up says that the link is up, or, where it was, that it is up with other addresses: the programs
// of the family whose addresses have changed are told that it has gone before.
func (e *Events) Up(l Link, t Traffic) {
	e.mu.Lock()
	defer e.mu.Unlock()
	from, was := e.link, e.isUp
	e.isUp, e.link = true, l
	if !was {
		e.add(event{l, nil, true, l.LocalIPv6.IsValid()})
		return
	}
	four, six := !sameIPv4(from, l), !sameIPv6(from, l)
	e.add(event{from, &t, four, six && from.LocalIPv6.IsValid()}, event{l, nil, four, six && l.LocalIPv6.IsValid()})
}

// Down says that the link has gone. The programs are told once, whoever says it again.
func (e *Events) Down(t Traffic) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.isUp {
		e.isUp = false
		e.add(event{e.link, &t, true, e.link.LocalIPv6.IsValid()})
	}
}

// add has events told. The caller holds mu.
func (e *Events) add(events ...event) {
	for _, v := range events {
		if v.four || v.six {
			e.pending = append(e.pending, v)
		}
	}
	if len(e.pending) > waiting {
		e.collapse()
	}
	if e.running || len(e.pending) == 0 {
		return
	}
	e.running = true
	e.r.working.Add(1)
	go e.work()
}

// collapse leaves of what nobody has been told yet only what it comes to. The caller holds mu.
func (e *Events) collapse() {
	var gone *Traffic
	for _, v := range e.pending {
		gone = cmp.Or(v.gone, gone)
	}
	e.pending = e.pending[:0]
	if e.toldUp {
		e.pending = append(e.pending, event{e.told, gone, true, e.told.LocalIPv6.IsValid()})
	}
	if e.isUp {
		e.pending = append(e.pending, event{e.link, nil, true, e.link.LocalIPv6.IsValid()})
	}
}

// work tells what there is to tell.
func (e *Events) work() {
	defer e.r.working.Done()
	for {
		e.mu.Lock()
		if len(e.pending) == 0 {
			e.running = false
			e.mu.Unlock()
			return
		}
		v := e.pending[0]
		e.pending = slices.Delete(e.pending, 0, 1)
		e.toldUp, e.told = v.gone == nil || !v.four, v.after()
		e.mu.Unlock()
		e.tell(v)
	}
}

// tell runs the programs of one event.
func (e *Events) tell(v event) {
	p := e.r.programs
	four, six := p.IPUp, p.IPv6Up
	if v.gone != nil {
		four, six = p.IPDown, p.IPv6Down
	}
	if four != "" && v.four {
		e.r.run(context.Background(), v.link.arguments(four, false, p.IPParam), v.link.environment(v.gone), e.r.limits.Longest)
	}
	if six != "" && v.six {
		e.r.run(context.Background(), v.link.arguments(six, true, p.IPParam), v.link.environment(v.gone), e.r.limits.Longest)
	}
}

// sameIPv4 and sameIPv6 report whether the programs of a family were told of all this already.
func sameIPv4(a, b Link) bool {
	return a.Interface == b.Interface && a.Peer == b.Peer && a.PeerName == b.PeerName &&
		a.Local == b.Local && a.Remote == b.Remote && slices.Equal(a.DNS, b.DNS)
}

func sameIPv6(a, b Link) bool {
	return a.Interface == b.Interface && a.Peer == b.Peer && a.PeerName == b.PeerName &&
		a.LocalIPv6 == b.LocalIPv6 && a.RemoteIPv6 == b.RemoteIPv6
}
