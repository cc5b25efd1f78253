// Package trace brings lines about what the ends of tunnels say to each other from where it is said
// to whoever watches.
//
// A Trace belongs to a process and is off, at the price of one atomic load for each control packet,
// until somebody opens a Tap. Whoever can reach a tunnel can cause lines, so each Tap has budgets,
// for each peer and for all of them, and a queue of a fixed length: what is beyond them is counted,
// and a line says how much was left out.
package trace

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Line is one line of a trace.
type Line struct {
	Time time.Time  `json:"time"`
	Peer netip.Addr `json:"peer"` // the outer address of the other end; invalid if the line is about none
	// Session is the session's ID as in a status.Session; empty for the control connection.
	Session string `json:"session,omitempty"`
	Text    string `json:"text"` // printable
}

// timeLayout is that of the log with digits enough to tell packets apart.
const timeLayout = "2006-01-02T15:04:05.000000Z07:00"

// String is the line as it is written for people: when, with whom, and what.
func (l Line) String() string {
	who := l.Session
	if who == "" && l.Peer.IsValid() {
		who = l.Peer.String()
	}
	if who != "" {
		who += " "
	}
	return l.Time.Format(timeLayout) + " " + who + l.Text
}

// Kind says whose budget a line takes from.
type Kind int

// The kinds.
const (
	Said    Kind = iota // a packet was sent or taken
	Dropped             // a packet came that was not taken: anyone can forge those
)

// Trace is where packets are shown. The zero value and nil are off for ever; New makes one that can
// be watched.
type Trace struct {
	now  func() time.Time
	taps atomic.Pointer[[]*Tap] // nil: nobody watches

	mu sync.Mutex // held while taps changes
}

// New makes a Trace whose lines have the time of now; nil: the system's.
func New(now func() time.Time) *Trace {
	if now == nil {
		now = time.Now
	}
	return &Trace{now: now}
}

// On reports whether somebody watches.
func (t *Trace) On() bool { return t != nil && t.taps.Load() != nil }

// Say shows a packet of a session, or of the control connection if that is empty, to whoever
// watches. words is called once at most, and only if somebody will see what it gives.
func (t *Trace) Say(peer netip.Addr, session string, kind Kind, words func() string) {
	if t == nil {
		return
	}
	taps := t.taps.Load()
	if taps == nil {
		return
	}
	line := Line{Time: t.now(), Peer: peer, Session: session}
	for _, tap := range *taps {
		if !tap.admit(line, kind) {
			continue
		}
		if line.Text == "" {
			line.Text = words()
		}
		tap.put(line)
	}
}

// Open begins to watch the packets of a peer, or, if that is invalid, of all.
func (t *Trace) Open(peer netip.Addr) *Tap {
	tap := &Tap{trace: t, peer: peer.Unmap(), budgets: make(map[source]*budget), ready: make(chan struct{}, 1)}
	t.mu.Lock()
	defer t.mu.Unlock()
	var taps []*Tap
	if old := t.taps.Load(); old != nil {
		taps = slices.Clone(*old)
	}
	taps = append(taps, tap)
	t.taps.Store(&taps)
	return tap
}

// forget takes a tap off the list.
func (t *Trace) forget(tap *Tap) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.taps.Load()
	if old == nil {
		return
	}
	taps := slices.DeleteFunc(slices.Clone(*old), func(other *Tap) bool { return other == tap })
	if len(taps) == 0 {
		t.taps.Store(nil)
		return
	}
	t.taps.Store(&taps)
}
