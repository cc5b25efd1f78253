package trace

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
)

const (
	// maxQueue is how many lines wait for whoever watches; a slow one loses the rest.
	maxQueue = 4096
	// maxSources bounds the memory for budgets.
	maxSources = 1024
)

// source is who has a budget.
type source struct {
	peer netip.Addr
	kind Kind
}

// Tap is somebody who watches. It must be closed.
type Tap struct {
	trace *Trace
	peer  netip.Addr // invalid: all
	ready chan struct{}

	mu      sync.Mutex // guards what follows
	queue   []Line
	unread  uint64 // lines for which the queue had no room
	all     budget
	budgets map[source]*budget
	closed  bool
}

// admit reports whether a line may be shown here, and if so announces first what was left out
// before it.
func (p *Tap) admit(l Line, kind Kind) bool {
	if p.peer.IsValid() && p.peer != l.Peer {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	b := p.budgetOf(source{l.Peer, kind})
	rate := peerRate
	if kind == Dropped {
		rate = droppedRate
	}
	if !b.take(l.Time, rate) {
		return false
	}
	if !p.all.take(l.Time, allRate) {
		b.left++
		p.all.left = 0 // it is counted with its peer
		return false
	}
	if b.left > 0 {
		p.append(Line{Peer: l.Peer, Text: leftOut(b.left)})
		b.left = 0
	}
	return true
}

func leftOut(n uint64) string {
	if n == 1 {
		return "(1 line left out)"
	}
	return fmt.Sprintf("(%d lines left out)", n)
}

// budgetOf gives the budget of a source; where there are too many, the one that was quiet for
// longest is forgotten. The caller holds mu.
func (p *Tap) budgetOf(s source) *budget {
	if b := p.budgets[s]; b != nil {
		return b
	}
	if len(p.budgets) >= maxSources {
		var oldest source
		var b *budget
		for s, other := range p.budgets {
			if b == nil || other.used.Before(b.used) {
				oldest, b = s, other
			}
		}
		if b.left > 0 {
			p.append(Line{Peer: oldest.peer, Text: leftOut(b.left)})
		}
		delete(p.budgets, oldest)
	}
	b := new(budget)
	p.budgets[s] = b
	return b
}

// put queues a line that was admitted.
func (p *Tap) put(l Line) {
	p.mu.Lock()
	p.append(l)
	p.mu.Unlock()
}

// append queues a line, or counts it. Its time is that of the queueing, so that times are in order.
// The caller holds mu.
func (p *Tap) append(l Line) {
	l.Time = p.trace.now()
	if len(p.queue) >= maxQueue || p.closed {
		p.unread++
		return
	}
	if p.unread > 0 && len(p.queue) < maxQueue-1 {
		p.queue = append(p.queue, Line{Time: l.Time, Text: leftOut(p.unread) + ": they were not read in time"})
		p.unread = 0
	}
	p.queue = append(p.queue, l)
	select {
	case p.ready <- struct{}{}:
	default:
	}
}

// Next waits for lines and gives all that there are, in order. It gives nil when the tap is closed,
// or ctx has ended, and nothing is left.
func (p *Tap) Next(ctx context.Context) []Line {
	for {
		p.mu.Lock()
		lines, closed := p.queue, p.closed
		p.queue = nil
		p.mu.Unlock()
		if len(lines) > 0 || closed || ctx.Err() != nil {
			return lines
		}
		select {
		case <-p.ready:
		case <-ctx.Done():
		}
	}
}

// Close ends the watching; what was queued can still be read, with a line about all that was left
// out and not yet said. It does nothing the second time.
func (p *Tap) Close() {
	p.trace.forget(p)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	sum := p.unread
	for _, b := range p.budgets {
		sum += b.left
	}
	if sum > 0 {
		p.queue = append(p.queue, Line{Time: p.trace.now(), Text: leftOut(sum)})
	}
	select {
	case p.ready <- struct{}{}:
	default:
	}
}
