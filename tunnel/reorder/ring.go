package reorder

import "time"

// none ends a list of slots.
const none = -1

// firstSlots is what the first out-of-order packet allocates at least. Few
// links reorder further, and a session that never needs a slot has none.
const firstSlots = 64

// slot keeps one waiting packet at its number modulo the ring's length.
type slot struct {
	p            []byte
	at           time.Duration // arrival, since the window's epoch
	older, newer int32         // neighbours by arrival; none at the ends
	full         bool
}

// ring holds the waiting packets. Numbers in it lie within len(slots) of the
// head, so each has its own slot. The slots are also a list by arrival, which
// is not the order of the numbers, so that the longest wait is found at once.
type ring struct {
	slots          []slot
	oldest, newest int32
	count, bytes   int
}

func (r *ring) mask() uint32 { return uint32(len(r.slots) - 1) }

// has reports whether the packet seq waits; seq is ahead of the head by ahead.
func (r *ring) has(seq, ahead uint32) bool {
	return ahead < uint32(len(r.slots)) && r.slots[seq&r.mask()].full
}

// put stores a packet in its slot, which is empty, as the newest.
func (r *ring) put(seq uint32, p []byte, at time.Duration) {
	i := int32(seq & r.mask())
	r.slots[i] = slot{p: p, at: at, older: r.newest, newer: none, full: true}
	if r.newest == none {
		r.oldest = i
	} else {
		r.slots[r.newest].newer = i
	}
	r.newest = i
	r.count++
	r.bytes += len(p)
}

// take empties the slot of seq, which is full.
func (r *ring) take(seq uint32) []byte {
	s := &r.slots[seq&r.mask()]
	if s.older == none {
		r.oldest = s.newer
	} else {
		r.slots[s.older].newer = s.newer
	}
	if s.newer == none {
		r.newest = s.older
	} else {
		r.slots[s.newer].older = s.older
	}
	p := s.p
	*s = slot{}
	r.count--
	r.bytes -= len(p)
	return p
}

// oldestSeq gives the number of the packet that has waited longest; the ring is
// not empty.
func (r *ring) oldestSeq(head uint32) uint32 {
	return head + (uint32(r.oldest)-head)&r.mask()
}

// grow makes room for a number ahead of the head by ahead. It happens a few
// times in a session's life, since the length doubles and never shrinks.
func (r *ring) grow(head, ahead uint32) {
	length := max(firstSlots, len(r.slots))
	for uint32(length) <= ahead {
		length *= 2
	}
	bigger := ring{slots: make([]slot, length), oldest: none, newest: none}
	for r.count > 0 {
		seq, at := r.oldestSeq(head), r.slots[r.oldest].at
		bigger.put(seq, r.take(seq), at)
	}
	*r = bigger
}
