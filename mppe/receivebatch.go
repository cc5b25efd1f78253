package mppe

import (
	"slices"

	"github.com/arc4tun/arc4tun/arc4"
)

// Packet is one packet for DecryptBatch, and what has become of it.
type Packet struct {
	// Data is an MPPE header and ciphertext, Seq the sequence number of the GRE packet that it came in.
	Data []byte
	Seq  uint32
	// Dst is what the plaintext is to be appended to; afterwards it is what DecryptSeq would have returned.
	Dst []byte
	// Err is nil afterwards, or says why nothing came out.
	Err error
}

// DecryptBatch is p.Dst, p.Err = DecryptSeq(p.Dst, p.Data, p.Seq) for every packet, one after another, with the same
// results; but in stateless mode the RC4 backend works on all of them together. No packet and no room for one may overlap
// another one's. A ReceiveBatch does it for several sessions.
//
// A packet that does not decrypt may cost a key set-up for its full length, and where packets are decrypted in place a
// second one to restore it; when most of a batch did not decrypt, the next one is tried by PlausiblePrefix bytes again.
func (d *Decrypter) DecryptBatch(packets []Packet) {
	if d.batch == nil {
		d.batch = new(ReceiveBatch)
	}
	d.batch.Add(d, packets)
	d.batch.Decrypt()
}

// ReceiveBatch decrypts packets of several sessions together, each with the results of DecryptBatch. The zero value is
// empty and ready; it is some 30 KiB large, is meant to be used again and again, and is not safe for concurrent use.
type ReceiveBatch struct {
	runs    []receiveRun
	chains  chains
	planned indexSet
	trials  [batchSize]trial
	nTrials int
	jobs    [batchSize]arc4.Job
	nJobs   int
}

// receiveRun is what is left to do of one session's packets.
type receiveRun struct {
	dec     *Decrypter
	packets []Packet
	// size and refused are how many packets there were, and what the session's counter was then.
	size    int
	refused uint64
	// trials are those of the first packets; alone says that the packet after them is not to be decrypted ahead of its
	// turn. start is where the key chain ended before them, with its key, target the furthest key that they want.
	trials   []trial
	alone    bool
	start    int64
	startKey key
	target   int64
}

// Add takes in packets of one session, for which Decrypt will do what d.DecryptBatch(packets) does. Until then neither d
// nor packets, nor what they point to, may be touched. What cannot wait is done at once: packets in stateful mode, those
// of a session under a flood of forged ones, and what was added before, if the session is in already or has another
// backend.
func (b *ReceiveBatch) Add(d *Decrypter, packets []Packet) {
	if len(packets) == 0 {
		return
	}
	if d.queued || len(b.runs) > 0 && b.runs[0].dec.keys.packets != d.keys.packets {
		b.Decrypt()
	}
	r := receiveRun{dec: d, packets: packets, size: len(packets), refused: d.stats.Implausible}
	if d.stateful != nil || d.wary {
		r.serially()
		r.beWary()
		return
	}
	d.queued = true
	b.runs = append(b.runs, r)
}

// Decrypt does all that was added, and leaves the batch empty.
func (b *ReceiveBatch) Decrypt() {
	if len(b.runs) == 1 && len(b.runs[0].packets) == 1 {
		b.runs[0].serially()
		b.finish()
	}
	for len(b.runs) > 0 {
		packets := b.runs[0].dec.keys.packets
		b.plan(fullBatch(packets))
		b.derive(sideBySide(packets))
		b.start()
		packets.XORKeyStreams(b.jobs[:b.nJobs])
		for i := range b.runs {
			b.runs[i].settle()
		}
		b.finish()
		// Nothing may keep the caller's buffers alive.
		clear(b.jobs[:b.nJobs])
		clear(b.trials[:b.nTrials])
		b.nJobs, b.nTrials = 0, 0
	}
}

// plan sets up room trials at most, the same number for every session as long as it has packets.
func (b *ReceiveBatch) plan(room int) {
	for i := range b.runs {
		r := &b.runs[i]
		store := &r.dec.stateless.store
		r.start, r.startKey, r.target = store.tip, store.tipKey, store.tip
		r.trials, r.alone = nil, false
		left := len(b.runs) - i
		share := (room - b.nTrials + left - 1) / left
		packets := r.packets[:min(len(r.packets), share)]
		if r.dec.plausible == nil {
			b.unjudged(r, packets)
		} else {
			b.judged(r, packets)
		}
	}
}

// unjudged goes through packets that are believed whatever comes out, and has them decrypted later.
func (b *ReceiveBatch) unjudged(r *receiveRun, packets []Packet) {
	r.dec.later = b
	for i := range packets {
		p := &packets[i]
		p.Dst, p.Err = r.dec.DecryptSeq(p.Dst, p.Data, p.Seq)
	}
	r.dec.later = nil
	r.packets = r.packets[len(packets):]
}

// postpone gives dst with room for what body decrypts to, and makes a job of that.
func (b *ReceiveBatch) postpone(d *Decrypter, dst, body []byte, k *key) []byte {
	t := &b.trials[b.nTrials]
	b.nTrials++
	t.key = *k
	all := slices.Grow(dst, len(body))[:len(dst)+len(body)]
	b.job(d, &t.key, all[len(dst):], body)
	return all
}

func (b *ReceiveBatch) job(d *Decrypter, k *key, dst, src []byte) {
	b.jobs[b.nJobs] = arc4.Job{Key: k[:d.keys.length], Dst: dst, Src: src}
	b.nJobs++
}

// judged sets up the trials of packets that must come out plausible.
func (b *ReceiveBatch) judged(r *receiveRun, packets []Packet) {
	if store := &r.dec.stateless.store; len(b.planned) < len(store.used) {
		b.planned = make(indexSet, len(store.used)) // no session has any in it now
	}
	first := b.nTrials
	for i := range packets {
		t := &b.trials[b.nTrials]
		if !t.foresee(r.dec, &packets[i], b.planned) {
			*t = trial{}
			r.alone = true
			break
		}
		b.nTrials++
		if t.wanted {
			r.target = max(r.target, t.n)
		}
	}
	r.trials = b.trials[first:b.nTrials]
	for i := range r.trials {
		if t := &r.trials[i]; t.wanted {
			b.planned.remove(t.n)
		}
	}
}

// derive takes the key chains to what the trials want, a step of width of them at a time.
func (b *ReceiveBatch) derive(width int) {
	if len(b.runs) < width || width < 2 {
		for i := range b.runs {
			b.runs[i].dec.stateless.store.derive(b.runs[i].target)
		}
		return
	}
	for turn := 0; ; {
		for i := 0; i < len(b.runs) && b.chains.n < width; i++ {
			r := &b.runs[turn%len(b.runs)]
			turn++
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

// start makes jobs of the trials.
func (b *ReceiveBatch) start() {
	for i := range b.runs {
		r := &b.runs[i]
		for k := range r.trials {
			t := &r.trials[k]
			if !t.wanted {
				continue
			}
			t.key = *r.dec.stateless.store.at(t.n)
			t.done = true
			b.job(r.dec, &t.key, t.out[len(t.out)-len(t.body):], t.body)
		}
	}
}

// finish takes off the runs that have no packets left.
func (b *ReceiveBatch) finish() {
	b.runs = slices.DeleteFunc(b.runs, func(r receiveRun) bool {
		if len(r.packets) > 0 {
			return false
		}
		r.dec.queued = false
		r.beWary()
		return true
	})
}

// serially does the run's packets one by one.
func (r *receiveRun) serially() {
	for i := range r.packets {
		p := &r.packets[i]
		p.Dst, p.Err = r.dec.DecryptSeq(p.Dst, p.Data, p.Seq)
	}
	r.packets = nil
}

// beWary has the session's next batch tried by prefixes if most of this one did not decrypt.
func (r *receiveRun) beWary() {
	r.dec.wary = 2*(r.dec.stats.Implausible-r.refused) > uint64(r.size)
}

// settle has every packet that was tried take its turn, and then the one after them, if that had to wait for them.
func (r *receiveRun) settle() {
	d := r.dec
	n := 0
	for ; n < len(r.trials); n++ {
		t, p := &r.trials[n], &r.packets[n]
		if p.Err = t.err; p.Err != nil {
			d.refuse(p.Err)
			continue
		}
		d.locate(&t.arrival)
		if d.isFar(d.claim(&t.arrival)) {
			r.abandon(n)
			break
		}
		if p.Dst, p.Err = d.decryptStateless(p.Dst, &t.arrival); p.Err != nil {
			t.undo(d)
		}
	}
	if r.alone {
		p := &r.packets[n]
		p.Dst, p.Err = d.DecryptSeq(p.Dst, p.Data, p.Seq)
		n++
	}
	r.packets = r.packets[n:]
}

// abandon takes back the trials from n on, and the keys that were derived for them: packet n has become one beyond the
// look-ahead, and must find the chain as it would have alone.
func (r *receiveRun) abandon(n int) {
	r.alone = true
	for i := n; i < len(r.trials); i++ {
		r.trials[i].undo(r.dec)
	}
	tip, k := r.start, &r.startKey
	for i := range r.trials[:n] {
		if t := &r.trials[i]; t.err == nil && t.n > tip {
			tip, k = t.n, &t.key
		}
	}
	store := &r.dec.stateless.store
	if store.tip == r.target && tip < r.target {
		store.keys.rekeys -= uint64(store.tip - tip)
		store.tip, store.tipKey = tip, *k
	}
}
