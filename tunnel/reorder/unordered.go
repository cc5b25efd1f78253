package reorder

import "github.com/arc4tun/arc4tun/internal/serial"

// pushDrop handles, under Drop, a packet that is not the next one.
func (w *Window) pushDrop(seq uint32, p []byte, deliver func([]byte)) {
	ahead := serial.Diff(seq, w.head)
	switch {
	case ahead >= 0:
		w.skip(uint32(ahead))
		w.pass(p, deliver)
		w.drain(deliver)
	case w.claim(seq, w.head-seq, p, deliver):
	case w.seen(seq, w.head-seq):
		w.refuse(&w.stats.Duplicated, p)
	default:
		w.refuse(&w.stats.UnderWindow, p)
	}
}

// pushImmediate handles, under Immediate, a packet that is not the next one.
func (w *Window) pushImmediate(seq uint32, p []byte, deliver func([]byte)) {
	ahead := serial.Diff(seq, w.head)
	age := w.head - seq
	switch {
	case ahead >= 0:
		w.skip(uint32(ahead))
		w.pass(p, deliver)
		w.drain(deliver)
	case age > w.size:
		w.refuse(&w.stats.UnderWindow, p)
	case w.claim(seq, age, p, deliver):
	case w.past.has(seq):
		w.refuse(&w.stats.Duplicated, p)
	default:
		if uint64(age) > w.span {
			// It was sent before the packet that came first: the stream began
			// here, and what lies between is missing so far.
			w.stats.Lost += uint64(age) - w.span
			w.span = uint64(age)
		}
		w.past.set(seq)
		w.stats.Lost--
		w.stats.Accepted++
		deliver(p)
	}
}
