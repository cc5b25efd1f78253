package session

import (
	"sync"
	"time"
)

// The way back after an outage is walked in turns, with a pause after each, so that forged packets
// that claim an outage never get the better part of a processor, however slow it is and however
// many sessions they are for.
const (
	catchUpEvery = 10 * time.Millisecond // from one turn of a session to its next, at least
	catchUpFor   = 2 * time.Millisecond  // a turn
	catchUpSteps = 8192                  // key changes of a turn at most, where the clock stands
	catchUpStep  = 64                    // key changes between two looks at the clock, and at who waits for the way in
	catchUpShare = 5                     // of so much time, one part is for the turns of all sessions
)

// catchUpTurns gives all sessions their turns.
type catchUpTurns struct {
	mu   sync.Mutex
	free time.Time // when the turns so far have had no more than their share
}

// after gives a session that had a turn its next one.
func (t *catchUpTurns) after(now time.Time, took time.Duration) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.free.Before(now) {
		t.free = now
	}
	t.free = t.free.Add(catchUpShare * took)
	next := now.Add(catchUpEvery)
	if next.Before(t.free) {
		next = t.free
	}
	return next
}

// catchUp lets the decrypter walk its key chain towards where the peer seems to be after an outage,
// if its turn has come.
func (in *inbound) catchUp(now time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.behind || now.Before(in.turn) {
		return
	}
	began, took := in.now(), time.Duration(0)
	for steps := 0; in.behind && steps < catchUpSteps; steps += catchUpStep {
		if took = in.now().Sub(began); took >= catchUpFor {
			break
		}
		in.behind = in.dec.CatchUp(catchUpStep)
		in.mu.Unlock() // a reader that waits serves other sessions too
		in.mu.Lock()
	}
	in.turn = in.turns.after(now, took)
}
