package link

import (
	"time"

	"github.com/arc4tun/arc4tun/internal/serial"
)

// entry is a packet in flight. Entries hold no pointer, so the collector never
// looks at a schedule.
type entry struct {
	at    time.Duration // release, since the link's epoch
	order uint32        // of arrival, for equal times; compared as serial numbers
	slot  uint32        // where its bytes are
}

func (e entry) before(f entry) bool {
	return e.at < f.at || e.at == f.at && serial.Diff(e.order, f.order) < 0
}

// schedule is a binary heap with the next release at its top.
type schedule []entry

func (s *schedule) push(e entry) {
	*s = append(*s, e)
	h := *s
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !e.before(h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = e
}

func (s *schedule) pop() entry {
	h := *s
	top, e := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	*s = h
	for i := 0; len(h) > 0; {
		down := 2*i + 1
		if down+1 < len(h) && h[down+1].before(h[down]) {
			down++
		}
		if down >= len(h) || !h[down].before(e) {
			h[i] = e
			break
		}
		h[i] = h[down]
		i = down
	}
	return top
}
