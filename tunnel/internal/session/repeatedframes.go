package session

import "hash/fnv"

// frameLog remembers the last control frames, since one that the network duplicated must not
// renegotiate the link. They are few, so a short list is enough. A forged frame under the number of
// a genuine one does not hide that.
type frameLog struct {
	seen [64]struct {
		seq uint32
		sum uint64
	}
	n int
}

// repeated reports whether a frame was seen before under the same number, and remembers it.
func (l *frameLog) repeated(seq uint32, frame []byte) bool {
	h := fnv.New64a()
	h.Write(frame)
	sum := h.Sum64()
	for _, old := range l.seen[:min(l.n, len(l.seen))] {
		if old.seq == seq && old.sum == sum {
			return true
		}
	}
	next := &l.seen[l.n%len(l.seen)]
	next.seq, next.sum = seq, sum
	l.n++
	return false
}
