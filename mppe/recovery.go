package mppe

import "slices"

// The bounds of what packets beyond the look-ahead can make a decrypter remember.
const (
	maxSuspects = 16
	maxTargets  = 8
	// maxStride is how far apart, in sequence numbers, two packets may be that continue each other.
	maxStride = 1024
	// minWalk is how far the cursor goes at least before a target behind it may call it back the
	// first time.
	minWalk = 4096
)

// recovery finds the place in the key chain where a session has gone on after an outage of more
// than lookAhead packets. The GRE sequence number says where that is, and anyone can forge one, so
// it is believed in three steps. One packet is a suspect. A second one that continues it makes a
// target, which is worth walking to with a cursor of its own; the chain stays where it is. When the
// cursor is there, the target's packet must decrypt; only then does the chain jump.
//
// The cursor visits targets from the nearest to the furthest, so that forged ones on the way cost
// one trial each and forged ones further out do not take it past the true one. A target that
// appears behind the cursor calls it back to the start, but each time it has to have gone twice as
// far, lest new targets keep it from ever arriving.
type recovery struct {
	suspects  [maxSuspects]suspect
	nSuspects int
	oldest    int
	targets   []target

	walking   bool
	cursor    int64
	key       key
	walked    int64
	leastWalk int64
	// credit is how many key changes CatchUp may still make.
	credit  int
	scratch []byte
}

// suspect is a place that one packet claimed.
type suspect struct {
	n   int64
	seq uint32
}

// target is a place that several packets claimed.
type target struct {
	// n and seq are those of the packet that is kept: its first bytes and how long it was.
	n      int64
	seq    uint32
	prefix [PlausiblePrefix]byte
	length int
	// latest is the furthest packet that continued it, hits how many did.
	latest suspect
	hits   int
}

// continues reports whether a packet at t can belong to the same stream as one at s: a little later
// in both numbers, or a little earlier. An encrypted packet takes one of each, others take a
// sequence number only.
func (s suspect) continues(t suspect) bool {
	dn, ds := t.n-s.n, int64(int32(t.seq-s.seq))
	if ds < 0 {
		dn, ds = -dn, -ds
	}
	return 0 < dn && dn <= ds && ds <= maxStride
}

// clear forgets everything: the session is not where the suspects and targets claimed.
func (r *recovery) clear() {
	if r.nSuspects == 0 && len(r.targets) == 0 {
		return
	}
	r.nSuspects, r.oldest, r.targets = 0, 0, r.targets[:0]
	r.walking, r.leastWalk, r.credit = false, 0, 0
}

// note takes down that a packet claims to be number n.
func (r *recovery) note(n int64, p *Packet) {
	here := suspect{n: n, seq: p.Seq}
	for i := range r.targets {
		t := &r.targets[i]
		if !t.latest.continues(here) {
			continue
		}
		t.hits++
		if here.n > t.latest.n {
			t.latest = here
		}
		r.credit = min(r.credit+grant, maxCredit)
		return
	}
	for i, s := range r.suspects[:r.nSuspects] {
		if s.continues(here) {
			r.suspects[i] = here
			r.promote(here, p.body())
			return
		}
	}
	if r.nSuspects < maxSuspects {
		r.suspects[r.nSuspects] = here
		r.nSuspects++
		return
	}
	r.suspects[r.oldest] = here
	r.oldest = (r.oldest + 1) % maxSuspects
}

// promote makes a target of the packet. When there are too many, the one that the fewest packets
// continued goes, and of those the furthest: the true stream goes on, and the nearer ones are on
// its way.
func (r *recovery) promote(here suspect, body []byte) {
	if len(r.targets) == maxTargets {
		worst := 0
		for i, t := range r.targets {
			w := &r.targets[worst]
			if t.hits < w.hits || t.hits == w.hits && t.n > w.n {
				worst = i
			}
		}
		r.targets = slices.Delete(r.targets, worst, worst+1)
	}
	if r.targets == nil {
		r.targets = make([]target, 0, maxTargets)
	}
	t := target{n: here.n, seq: here.seq, latest: here, length: len(body), hits: 1}
	copy(t.prefix[:], body)
	r.targets = append(r.targets, t)
	r.credit = min(r.credit+grant, maxCredit)
}

// next gives the target to walk to, or nil, and takes the cursor back to the start of the chain
// (tip, with its key) where that is called for.
func (r *recovery) next(tip int64, tipKey *key) *target {
	if !r.walking {
		r.walking, r.leastWalk = true, minWalk
		r.rewind(tip, tipKey)
	}
	var ahead, behind *target
	for i := range r.targets {
		t := &r.targets[i]
		if t.n >= r.cursor {
			if ahead == nil || t.n < ahead.n {
				ahead = t
			}
		} else if behind == nil || t.n < behind.n {
			behind = t
		}
	}
	if behind == nil || ahead != nil && r.walked < r.leastWalk {
		return ahead
	}
	if ahead != nil {
		r.leastWalk *= 2
	}
	r.rewind(tip, tipKey)
	return behind
}

func (r *recovery) rewind(tip int64, tipKey *key) {
	r.cursor, r.key, r.walked = tip, *tipKey, 0
}

// drop takes a target off that did not decrypt.
func (r *recovery) drop(t *target) {
	for i := range r.targets {
		if &r.targets[i] == t {
			r.targets = slices.Delete(r.targets, i, i+1)
			return
		}
	}
}

// walk takes the cursor at most steps key changes further and reports whether the session was
// found: the chain is there now.
func (d *Decrypter) walk(steps int) (found bool) {
	s := d.stateless
	r := s.recovery
	for {
		t := r.next(s.store.tip, &s.store.tipKey)
		if t == nil {
			return false
		}
		for ; r.cursor < t.n && steps > 0; steps-- {
			d.keys.change(&r.key)
			r.cursor++
			r.walked++
		}
		if r.cursor < t.n {
			return false
		}
		if d.verify(t) {
			s.store.restart(t.n, r.key)
			d.advanceTo(t.n, t.seq)
			d.stats.Resyncs++
			r.clear()
			return true
		}
		r.drop(t)
	}
}

// verify tries the packet that is kept of the target, which the cursor has reached.
func (d *Decrypter) verify(t *target) bool {
	r := d.stateless.recovery
	r.scratch = slices.Grow(r.scratch[:0], t.length)[:t.length]
	p := min(t.length, PlausiblePrefix)
	d.keys.setKey(d.stream, &r.key)
	d.stream.XORKeyStream(r.scratch[:p], t.prefix[:p])
	return d.plausible(r.scratch)
}
