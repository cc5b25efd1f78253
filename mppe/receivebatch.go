package mppe

import (
	"slices"

	"github.com/arc4tun/arc4tun/arc4"
)

// ReceiveBatch decrypts packets of several sessions together. The zero value is empty and ready; it
// is some 13 KiB large, is meant to be used again and again, and is not safe for concurrent use.
type ReceiveBatch struct {
	runs, spare []*receiveRun
	chains      chains
	planned     indexSet
	keys        [batchSize]key
	nKeys       int
	jobs        [batchSize]arc4.Job
	nJobs       int
}

// receiveRun is the packets of one session in a batch.
type receiveRun struct {
	dec     *Decrypter
	packets []*Packet
	// done is how many of the packets have had their turn; planned is how many after those are
	// decrypted before it.
	done, planned int
	// far reports whether the packet after them claims to lie beyond the look-ahead, so that it has
	// to wait for them.
	far bool
	// implausible is what the session's counter was before the batch.
	implausible uint64
	// tip is where the key chain ended before the planned packets, tipKey its key, target the
	// furthest key that they want.
	tip    int64
	tipKey key
	target int64
}

// Add takes in a packet of a session, which Decrypt will decrypt. Until then neither d nor p, nor
// what p points to, may be touched. No packet and no room for one may overlap another one's.
func (b *ReceiveBatch) Add(d *Decrypter, p *Packet) {
	if !d.begin(p) {
		return
	}
	if d.run == nil {
		if len(b.runs) > 0 && b.runs[0].dec.keys.packets != d.keys.packets {
			b.Decrypt() // another RC4 backend
		}
		d.run = b.newRun()
		d.run.dec, d.run.implausible = d, d.stats.Implausible
		b.runs = append(b.runs, d.run)
	}
	d.run.packets = append(d.run.packets, p)
}

func (b *ReceiveBatch) newRun() *receiveRun {
	last := len(b.spare) - 1
	if last < 0 {
		return new(receiveRun)
	}
	r := b.spare[last]
	b.spare = b.spare[:last]
	return r
}

// Decrypt decrypts all that was added, and leaves the batch empty. What becomes of a packet is what
// would become of it if the packets of its session were decrypted one after another, in the order
// in which they were added; in stateless mode the RC4 backend works on all of them together.
//
// A packet that does not decrypt may cost a key set-up for its full length, and where packets are
// decrypted in place a second one to restore it; when most of a session's packets did not decrypt,
// the next ones are tried by PlausiblePrefix bytes.
func (b *ReceiveBatch) Decrypt() {
	single := len(b.runs) == 1 && len(b.runs[0].packets) == 1
	for _, r := range b.runs {
		if single || r.dec.stateful != nil || r.dec.wary {
			r.oneByOne()
		}
	}
	b.finish()
	for len(b.runs) > 0 {
		packets := b.runs[0].dec.keys.packets
		b.plan(fullBatch(packets))
		b.derive(sideBySide(packets))
		b.start()
		packets.XORKeyStreams(b.jobs[:b.nJobs])
		for _, r := range b.runs {
			r.settle()
		}
		b.finish()
		// The jobs must not keep the caller's buffers alive, nor the keys outlive their session.
		clear(b.jobs[:b.nJobs])
		clear(b.keys[:b.nKeys])
		b.nJobs, b.nKeys = 0, 0
	}
}

// plan chooses the packets that are decrypted before their turn, at most room, the same number for
// every session as long as it has packets.
func (b *ReceiveBatch) plan(room int) {
	for i, r := range b.runs {
		left := len(b.runs) - i
		b.planRun(r, (room-b.nKeys+left-1)/left)
	}
}

// planRun plans at most so many packets of one session. Only those that claim to lie beyond the
// look-ahead have to wait for those before them, because what they do depends on how far the chain
// has been derived.
func (b *ReceiveBatch) planRun(r *receiveRun, most int) {
	d, s := r.dec, &r.dec.stateless.store
	r.tip, r.tipKey, r.target = s.tip, s.tipKey, s.tip
	r.planned, r.far = 0, false
	if len(b.planned) < len(s.used) {
		b.planned = make(indexSet, len(s.used)) // no session has any in it now
	}
	waiting := r.packets[r.done:]
	for _, p := range waiting[:min(len(waiting), most)] {
		claim := d.claim(p)
		if r.far = d.isFar(claim); r.far {
			break
		}
		b.foresee(d, p, claim)
		r.planned++
		if p.tried {
			r.target = max(r.target, p.n)
		}
	}
	for _, p := range waiting[:r.planned] {
		if p.tried {
			b.planned.remove(p.n)
		}
	}
}

// foresee finds the key that a packet will need when its turn comes, and whether it is worth
// decrypting before. Of several that want the same key only the first is, unless that one turns out
// to be forged.
func (b *ReceiveBatch) foresee(d *Decrypter, p *Packet, claim int64) {
	p.key = &b.keys[b.nKeys]
	b.nKeys++
	if p.n = claim; !d.isOld(claim) {
		p.n = nearest(d.high, p.count)
	}
	s := &d.stateless.store
	if p.n < s.floor || p.n < d.high-s.history || s.used.has(p.n) || b.planned.has(p.n) {
		return
	}
	if s.reserve.stream(p.n, len(p.body())) != nil {
		// It costs next to nothing when its turn comes.
		*p.key = s.reserve.slot(p.n).key
		return
	}
	b.planned.add(p.n)
	p.tried = true
}

// derive takes the key chains to what the planned packets want, a step of width of them at a time.
func (b *ReceiveBatch) derive(width int) {
	if len(b.runs) < width || width < 2 {
		for _, r := range b.runs {
			r.dec.stateless.store.derive(r.target)
		}
		return
	}
	for next := 0; ; {
		for i := 0; i < len(b.runs) && b.chains.n < width; i++ {
			r := b.runs[next%len(b.runs)]
			next++
			if s := &r.dec.stateless.store; s.tip < r.target {
				b.chains.add(link{keys: s.keys, key: &s.tipKey, store: s})
			}
		}
		if b.chains.n == 0 {
			return
		}
		b.chains.step()
	}
}

// start makes jobs of the packets that are to be decrypted before their turn.
func (b *ReceiveBatch) start() {
	for _, r := range b.runs {
		d := r.dec
		for _, p := range r.packets[r.done:][:r.planned] {
			if !p.tried {
				continue
			}
			*p.key = *d.stateless.store.at(p.n)
			b.jobs[b.nJobs] = arc4.Job{Key: p.key.b[:d.keys.length], Dst: p.room(), Src: p.body()}
			b.nJobs++
		}
	}
}

// finish takes off the runs that have no packets left.
func (b *ReceiveBatch) finish() {
	b.runs = slices.DeleteFunc(b.runs, func(r *receiveRun) bool {
		if r.done < len(r.packets) {
			return false
		}
		d := r.dec
		d.run = nil
		if len(r.packets) > 1 { // one packet alone says nothing of the next batch
			d.wary = 2*(d.stats.Implausible-r.implausible) > uint64(len(r.packets))
		}
		clear(r.packets)
		*r = receiveRun{packets: r.packets[:0]}
		b.spare = append(b.spare, r)
		return true
	})
}

// oneByOne decrypts the run's packets one after another.
func (r *receiveRun) oneByOne() {
	for _, p := range r.packets {
		r.dec.take(p)
	}
	r.done = len(r.packets)
}

// settle has every planned packet take its turn, and then the one after them, if that had to wait
// for them.
func (r *receiveRun) settle() {
	d := r.dec
	tip, tipKey := r.tip, &r.tipKey // where the chain would end without the packets that are still to come
	for ; r.planned > 0; r.planned-- {
		p := r.packets[r.done]
		claim := d.claim(p)
		if d.isFar(claim) {
			r.rollBack(tip, tipKey)
			break
		}
		if p.n > tip {
			tip, tipKey = p.n, p.key
		}
		p.Err = d.takeStateless(p, claim)
		d.taken(p)
		r.done++
	}
	if r.far {
		d.take(r.packets[r.done])
		r.done++
	}
}

// rollBack undoes what was done for the planned packets that are left, and takes the chain back to
// tip: the first of them has become one beyond the look-ahead, and must find the chain as it would
// have without them.
func (r *receiveRun) rollBack(tip int64, tipKey *key) {
	r.far = true
	for _, p := range r.packets[r.done:][:r.planned] {
		p.undo(r.dec)
	}
	s := &r.dec.stateless.store
	if s.tip == r.target && tip < r.target {
		s.keys.rekeys -= uint64(s.tip - tip)
		s.tip, s.tipKey = tip, *tipKey
	}
}
