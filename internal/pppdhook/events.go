package pppdhook

import (
	"context"
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
	pending []event
	running bool
}

// event is what the programs of one moment are told.
type event struct {
	link Link
	gone *Traffic // nil: the link is up
}

// Link gives the events of another link.
func (r *Runner) Link() *Events { return &Events{r: r} }

// PreUp runs IPPreUp and waits for it, until ctx ends: then it is killed.
func (e *Events) PreUp(ctx context.Context, l Link) {
	p := e.r.programs
	if p.IPPreUp == "" {
		return
	}
	e.r.working.Add(1)
	defer e.r.working.Done()
	e.r.run(ctx, l.arguments(p.IPPreUp, false, p.IPParam), l.environment(nil), e.r.limits.PreUp)
}

// Up says that the link is up, or, where it was, that it is up with other addresses: the programs
// are told that it has gone before.
func (e *Events) Up(l Link, t Traffic) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.isUp {
		if sameLink(e.link, l) {
			return
		}
		e.down(t)
	}
	e.isUp, e.link = true, l
	e.add(event{link: l})
}

// Down says that the link has gone. The programs are told once, whoever says it again.
func (e *Events) Down(t Traffic) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.isUp {
		e.down(t)
	}
}

// down takes an Up back of which nobody has heard yet, so that a link that comes and goes quickly
// leaves no queue behind; otherwise it tells of the end. The caller holds mu.
func (e *Events) down(t Traffic) {
	e.isUp = false
	if last := len(e.pending) - 1; last >= 0 && e.pending[last].gone == nil {
		e.pending = e.pending[:last]
		return
	}
	e.add(event{link: e.link, gone: &t})
}

// add has an event told. The caller holds mu.
func (e *Events) add(v event) {
	e.pending = append(e.pending, v)
	if e.running {
		return
	}
	e.running = true
	e.r.working.Add(1)
	go e.work()
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
	if four != "" {
		e.r.run(context.Background(), v.link.arguments(four, false, p.IPParam), v.link.environment(v.gone), e.r.limits.Longest)
	}
	if six != "" && v.link.LocalIPv6.IsValid() {
		e.r.run(context.Background(), v.link.arguments(six, true, p.IPParam), v.link.environment(v.gone), e.r.limits.Longest)
	}
}

// sameLink reports whether the programs were told of all this already.
func sameLink(a, b Link) bool {
	dns := slices.Equal(a.DNS, b.DNS)
	return dns && a.Interface == b.Interface && a.Peer == b.Peer && a.Local == b.Local && a.Remote == b.Remote &&
		a.LocalIPv6 == b.LocalIPv6 && a.RemoteIPv6 == b.RemoteIPv6 && a.PeerName == b.PeerName
}
