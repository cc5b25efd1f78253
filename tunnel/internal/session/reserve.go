package session

import (
	"runtime"
	"sync"
	"time"

	"github.com/arc4tun/arc4tun/mppe"
)

// reserves keeps the reserves of all sessions filled (mppe.Reserve): one goroutine, which is there
// as long as there is a reserve. No packet wakes it, for that costs the packet paths more than a
// packet; it looks every now and then.
type reserves struct {
	packets int // for how many there is a reserve in each direction
	bytes   int // what reserves may take in all; sessions beyond that do without

	mu       sync.Mutex
	taken    int
	reserves map[*Session][]*mppe.Reserve // of every session that was granted some, before it has made them too
	changed  chan struct{}                // something was added or taken off
	running  bool
}

const (
	// While packets flow, it looks every fillEvery; after that less and less often, down to
	// fillIdle.
	fillEvery = time.Millisecond
	fillIdle  = 128 * time.Millisecond
)

// newReserves makes those reserves of so many packets in each direction; nil, which has
// none, for 0, or where there is no second processor that could have the time: GOMAXPROCS may be
// more than the processors.
func newReserves(packets, bytes int) *reserves {
	if packets <= 0 || min(runtime.NumCPU(), runtime.GOMAXPROCS(0)) < 2 {
		return nil
	}
	return &reserves{packets: packets, bytes: bytes, reserves: make(map[*Session][]*mppe.Reserve), changed: make(chan struct{}, 1)}
}

// grant says for how many packets a session may have reserves, and keeps the memory for it until
// remove.
func (f *reserves) grant(s *Session) (packets int) {
	if f == nil {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.reserves[s]; !ok {
		if f.taken+f.need() > f.bytes {
			return 0
		}
		f.taken += f.need()
		f.reserves[s] = nil
	}
	return f.packets
}

func (f *reserves) need() int { return 2 * mppe.ReserveBytes(f.packets) }

// add begins to fill the reserves of a session's two directions, in place of those that it had;
// either may be nil. A session that was granted none has none.
func (f *reserves) add(s *Session, out, in *mppe.Reserve) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.reserves[s]; !ok {
		return
	}
	var reserves []*mppe.Reserve
	for _, r := range [...]*mppe.Reserve{out, in} {
		if r != nil {
			reserves = append(reserves, r)
		}
	}
	f.reserves[s] = reserves
	if len(reserves) == 0 { // stateful mode has none
		f.release(s)
		return
	}
	if !f.running {
		f.running = true
		go f.run()
	}
	f.wake()
}

// remove ends the filling of a session's reserves.
func (f *reserves) remove(s *Session) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.release(s)
}

// release gives back what a session was granted. The caller holds mu.
func (f *reserves) release(s *Session) {
	if _, ok := f.reserves[s]; ok {
		delete(f.reserves, s)
		f.taken -= f.need()
		f.wake()
	}
}

func (f *reserves) wake() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// run fills until there is no reserve left.
func (f *reserves) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var list []*mppe.Reserve
	for pause := fillEvery; ; {
		f.mu.Lock()
		list = list[:0]
		for _, reserves := range f.reserves {
			list = append(list, reserves...)
		}
		f.running = len(list) > 0
		f.mu.Unlock()
		if len(list) == 0 {
			return
		}
		made := 0
		for _, r := range list {
			made += r.Fill()
		}
		// What it no longer fills it may not keep alive while it sleeps.
		clear(list)
		if made > 0 {
			pause = fillEvery
			continue
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
			pause = min(2*pause, fillIdle)
		case <-f.changed:
			pause = fillEvery
		}
	}
}
