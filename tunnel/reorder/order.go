package reorder

import (
	"time"

	"github.com/arc4tun/arc4tun/internal/serial"
)

// pushOrder places a packet that is not simply the next one.
func (w *Window) pushOrder(now time.Time, seq uint32, p []byte, deliver func([]byte)) {
	at := w.elapsed(now)
	w.place(at, seq, p, deliver)
	for w.ring.bytes > w.cfg.MaxBytes || w.ring.count > w.cfg.MaxPackets {
		w.skipGap(deliver)
	}
	w.expire(at, deliver)
}

// place delivers, holds or refuses one packet.
func (w *Window) place(at time.Duration, seq uint32, p []byte, deliver func([]byte)) {
	ahead := serial.Diff(seq, w.head)
	if ahead < 0 {
		if w.claim(seq, w.head-seq, p, deliver) {
			return
		}
		if w.seen(seq, w.head-seq) {
			w.refuse(&w.stats.Duplicated, p)
			return
		}
		if w.head-seq <= w.size {
			w.timeout.late(at, w.span)
		}
		w.refuse(&w.stats.UnderWindow, p)
		return
	}
	if uint32(ahead) >= w.size {
		// The window slides until seq is its last number.
		w.advance(uint32(ahead)-w.size+1, deliver)
		w.drain(deliver)
	}
	d := seq - w.head
	switch {
	case d == 0:
		if w.ring.count > 0 {
			w.timeout.filled(at, at-w.ring.slots[w.ring.oldest].at)
		}
		w.pass(p, deliver)
		w.drain(deliver)
	case w.ring.has(seq, d):
		w.refuse(&w.stats.Duplicated, p)
	default:
		if d >= uint32(len(w.ring.slots)) {
			w.visits += uint64(w.ring.count)
			w.ring.grow(w.head, d)
		}
		w.unmark(seq)
		w.ring.put(seq, p, at)
	}
}

// advance moves the head by n, delivering what waits on the way. It looks at
// slots only while packets wait, so at most at all of them.
func (w *Window) advance(n uint32, deliver func([]byte)) {
	for ; n > 0 && w.ring.count > 0; n-- {
		w.step(deliver)
	}
	if n > 0 {
		w.skip(n)
	}
}

// step moves the head by one number, delivered if it waits, else lost.
func (w *Window) step(deliver func([]byte)) {
	w.visits++
	if w.atMark() {
		w.passMark()
		return
	}
	if !w.ring.slots[w.head&w.ring.mask()].full {
		w.forget(1)
		w.past.clear(w.head)
		w.head++
		w.span++
		w.stats.Lost++
		return
	}
	w.stats.Buffered++
	w.pass(w.ring.take(w.head), deliver)
}

// drain delivers the run of waiting packets that starts at the head, over marked
// numbers.
func (w *Window) drain(deliver func([]byte)) {
	for w.atMark() || (w.ring.count > 0 && w.ring.slots[w.head&w.ring.mask()].full) {
		w.step(deliver)
	}
}

// skipGap gives up the numbers before the lowest packet that waits, and
// delivers the run that starts there.
func (w *Window) skipGap(deliver func([]byte)) {
	for !w.ring.slots[w.head&w.ring.mask()].full {
		w.step(deliver)
	}
	w.drain(deliver)
}

// expire delivers every packet that has waited long enough, with all that
// precedes it. The one that has waited longest need not have the lowest number.
func (w *Window) expire(at time.Duration, deliver func([]byte)) {
	expired := false
	for timeout := w.timeout.now(w.span); w.ring.count > 0 && at-w.ring.slots[w.ring.oldest].at >= timeout; expired = true {
		w.advance(w.ring.oldestSeq(w.head)-w.head+1, deliver)
	}
	if expired {
		w.timeout.expired(at)
	}
	w.drain(deliver)
}
