package ppp

import "hash/fnv"

// seenRequests remembers the last requests of a negotiation, so that a late
// copy of one is known for what it is.
type seenRequests struct {
	last [8]struct {
		sum  uint64
		id   byte
		used bool
	}
	next int
}

// digest is a short name of a request's options. A peer that forges a collision
// only makes us ignore its own packet.
func digest(p packet) uint64 {
	h := fnv.New64a()
	h.Write(p.data)
	return h.Sum64()
}

// add remembers a request.
func (r *seenRequests) add(p packet) {
	if r.has(p) {
		return
	}
	s := &r.last[r.next%len(r.last)]
	s.sum, s.id, s.used = digest(p), p.id, true
	r.next++
}

// has reports whether the very same request was seen.
func (r *seenRequests) has(p packet) bool {
	sum := digest(p)
	for _, s := range r.last {
		if s.used && s.id == p.id && s.sum == sum {
			return true
		}
	}
	return false
}
