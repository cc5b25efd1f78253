package reorder

import (
	"fmt"
	"math/bits"
	"time"
)

// What a zero field of Config stands for, and the largest window: its slots
// take 48 MiB, far beyond what any link reorders.
const (
	DefaultSize     = 2048
	DefaultTimeout  = 333 * time.Millisecond
	DefaultMaxBytes = 4 << 20
	MaxSize         = 1 << 20
)

// Config describes a Window. The zero value of each field is its default.
type Config struct {
	// Size is the window's reach in packets, a power of two, 1 to MaxSize.
	Size int
	// Timeout is the longest that a packet waits for a missing one.
	Timeout time.Duration
	// Fixed lets every packet wait for Timeout. Without it packets wait for less
	// where that has been enough lately, so that what the network loses does not
	// hold up the rest for Timeout.
	Fixed bool
	// MaxBytes bounds the payload bytes (the sum of len(p)) that wait. Beyond
	// it the oldest gap is given up, and the packets behind that gap flow.
	MaxBytes int
	// MaxPackets bounds how many packets wait, in the same way: for callers whose packets take
	// memory by their number. 0 is no bound but Size.
	MaxPackets int
	// Policy is Order, Drop or Immediate.
	Policy Policy
	// Release, when not nil, gets every packet that the window refuses, late or
	// duplicate, during the Push that brought it, so that its buffer can be
	// used again.
	Release func(p []byte)
}

// Window is a reorder window. [New] makes one.
type Window struct {
	cfg     Config
	size    uint32
	started bool
	head    uint32 // the lowest awaited number; under Drop and Immediate the highest seen, plus one
	span    uint64 // numbers from the first one to head
	past    bitmap // numbers behind the head that were delivered
	marks   bitmap // numbers from head on that carry no data; no memory until the first Mark
	marked  int    // how many marks are set
	passed  bitmap // marked numbers that the head has passed; as long as marks
	ring    ring
	timeout adaptiveTimeout
	epoch   time.Time // the zero of slot.at
	last    time.Duration
	stats   Stats
	visits  uint64 // slots and bitmap words touched, for the tests of cost
}

// New makes a window. The error names the field that is out of range, with its
// value.
func New(cfg Config) (*Window, error) {
	if cfg.Size == 0 {
		cfg.Size = DefaultSize
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.MaxPackets == 0 {
		cfg.MaxPackets = cfg.Size
	}
	switch {
	case cfg.Size < 1 || cfg.Size > MaxSize:
		return nil, fmt.Errorf("reorder: window %d: must be a power of two from 1 to %d", cfg.Size, MaxSize)
	case cfg.Size&(cfg.Size-1) != 0:
		below := 1 << (bits.Len(uint(cfg.Size)) - 1)
		return nil, fmt.Errorf("reorder: window %d: must be a power of two (%d, %d, ...)", cfg.Size, below, 2*below)
	case cfg.Timeout < 0:
		return nil, fmt.Errorf("reorder: timeout %v: must be positive", cfg.Timeout)
	case cfg.MaxBytes < 0:
		return nil, fmt.Errorf("reorder: %d bytes at most: must be positive", cfg.MaxBytes)
	case cfg.MaxPackets < 0:
		return nil, fmt.Errorf("reorder: %d packets at most: must be positive", cfg.MaxPackets)
	case cfg.Policy > Immediate:
		return nil, fmt.Errorf("reorder: unknown %v: use order, drop or immediate", cfg.Policy)
	}
	return &Window{
		cfg:     cfg,
		size:    uint32(cfg.Size),
		past:    newBitmap(cfg.Size),
		ring:    ring{oldest: none, newest: none},
		timeout: adaptiveTimeout{max: cfg.Timeout, fixed: cfg.Fixed},
	}, nil
}

// Begin sets the head before the first packet comes, where it is known: then what
// the network brings out of order at the very beginning is put in order too. It
// does nothing once there was a packet, nor under policies that put nothing in
// order.
func (w *Window) Begin(now time.Time, seq uint32) {
	if w.cfg.Policy == Order {
		w.start(now, seq)
	}
}

func (w *Window) start(now time.Time, seq uint32) {
	if !w.started {
		w.started, w.head, w.epoch = true, seq, now
	}
}

// Restart delivers all that waits and forgets where the stream was: the next
// packet sets the head as the first one did. The counters go on.
func (w *Window) Restart(deliver func([]byte)) {
	w.flush(deliver)
	clear(w.past.bits)
	clear(w.marks.bits)
	clear(w.passed.bits)
	w.marked = 0
	w.span = 0
	w.started = false
}

// Push hands the packet with number seq to the window, which keeps p without
// copying it until it goes to deliver or to Config.Release, perhaps within this
// call. p may be nil or empty: a place-holder for a number that carried no
// data, delivered like any other. Under Order, packets whose time is up at now
// are delivered too, after p has had its chance to fill the gap before them.
func (w *Window) Push(now time.Time, seq uint32, p []byte, deliver func([]byte)) {
	w.start(now, seq)
	if seq == w.head && w.ring.count == 0 {
		w.pass(p, deliver)
		w.drain(deliver)
		return
	}
	switch w.cfg.Policy {
	case Order:
		w.pushOrder(now, seq, p, deliver)
	case Drop:
		w.pushDrop(seq, p, deliver)
	default:
		w.pushImmediate(seq, p, deliver)
	}
}

// Expire delivers, in order, what has waited long enough at now, with all that
// precedes it. A caller's timer calls it at Deadline.
func (w *Window) Expire(now time.Time, deliver func([]byte)) {
	if w.ring.count > 0 {
		w.expire(w.elapsed(now), deliver)
	}
}

// Deadline is when the packet that has waited longest will have waited long enough; ok is false
// while none waits.
func (w *Window) Deadline() (at time.Time, ok bool) {
	if w.ring.count == 0 {
		return time.Time{}, false
	}
	return w.epoch.Add(w.ring.slots[w.ring.oldest].at + w.timeout.now(w.span)), true
}

// Trim gives up the oldest gaps, and delivers what waits behind them, until at most so many packets
// wait.
func (w *Window) Trim(packets int, deliver func([]byte)) {
	for w.ring.count > max(0, packets) {
		w.skipGap(deliver)
	}
}

// flush delivers all that waits, in order, and gives up the numbers missing in
// between. The window goes on after it.
func (w *Window) flush(deliver func([]byte)) { w.Trim(0, deliver) }

// Wait is how long a packet waits for a missing one at present: Timeout, or less
// where the window has learnt that less is enough.
func (w *Window) Wait() time.Duration { return w.timeout.now(w.span) }

// Held is how many packets wait, and how many bytes those are.
func (w *Window) Held() (packets, bytes int) { return w.ring.count, w.ring.bytes }

// pass delivers the packet at the head and moves the head over it.
func (w *Window) pass(p []byte, deliver func([]byte)) {
	w.unmark(w.head)
	w.forget(1)
	w.past.set(w.head)
	w.head++
	w.span++
	w.stats.Accepted++
	deliver(p)
}

// skip gives up n numbers at the head, none of which waits. While marks are set
// it looks at each number of the window once.
func (w *Window) skip(n uint32) {
	for reach := w.size; w.marked > 0 && n > 0 && reach > 0; reach-- {
		w.visits++
		if w.atMark() {
			w.passMark()
		} else {
			w.forget(1)
			w.past.clear(w.head)
			w.head++
			w.span++
			w.stats.Lost++
		}
		n--
	}
	w.forget(n)
	w.visits += w.past.clearRange(w.head, n)
	w.head += n
	w.span += uint64(n)
	w.stats.Lost += uint64(n)
}

// seen reports whether the number behind the head by age was delivered, as far
// as the window remembers.
func (w *Window) seen(seq, age uint32) bool { return age <= w.size && w.past.has(seq) }

// refuse counts a packet and gives it back.
func (w *Window) refuse(counter *uint64, p []byte) {
	*counter++
	if w.cfg.Release != nil {
		w.cfg.Release(p)
	}
}

// elapsed turns now into time since the epoch. A clock that was set back takes
// the epoch along, so that every wait goes on from where it stood.
func (w *Window) elapsed(now time.Time) time.Duration {
	d := now.Sub(w.epoch)
	if d < w.last {
		w.epoch = now.Add(-w.last)
		d = w.last
	}
	w.last = d
	return d
}
