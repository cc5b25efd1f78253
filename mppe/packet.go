package mppe

import "slices"

// trial is a packet that a batch decrypts before it is the packet's turn, with the key of the index that it would have
// then, as far as can be foreseen. Nothing has moved by that: when its turn comes, the packet goes the way that it would
// have gone alone, and where that way wants it decrypted with this key, what came out is there to be judged.
type trial struct {
	arrival
	// err says what is wrong with the packet's header.
	err error
	// wanted says that the packet is to be decrypted with key n, done that it is, out is the caller's slice with the
	// plaintext.
	wanted, done bool
	n            int64
	key          key
	out          []byte
}

// foresee says whether a packet of the session may be decrypted ahead of its turn, and sets up the trial of those that
// may. Only those that claim to lie beyond the look-ahead may not, for what they do depends on how far the chain has been
// derived. planned has the packets that the batch will have tried by then; one of the same index needs no trial, unless
// the first one turns out to be forged.
func (t *trial) foresee(d *Decrypter, p *Packet, planned indexSet) bool {
	t.arrival, t.err = d.parse(p.Data)
	if t.err != nil {
		return true
	}
	t.seq, t.hasSeq, t.trial = p.Seq, true, t
	d.locate(&t.arrival)
	if d.isFar(d.claim(&t.arrival)) {
		return false
	}
	if t.n = d.claim(&t.arrival); !d.isOld(t.n) {
		t.n = nearest(d.high, t.count)
	}
	s := &d.stateless.store
	if t.n < s.floor || t.n < d.high-s.history || s.used.has(t.n) || planned.has(t.n) {
		return true
	}
	if s.reserve.stream(t.n, len(t.body)) != nil {
		// It costs next to nothing when its turn comes.
		t.key = s.reserve.slot(t.n).key
		return true
	}
	planned.add(t.n)
	t.wanted = true
	t.out = slices.Grow(p.Dst, len(t.body))[:len(p.Dst)+len(t.body)]
	return true
}

// judge gives dst with the plaintext if that is plausible. If not, all is as if there had been no trial.
func (t *trial) judge(d *Decrypter, dst []byte) ([]byte, bool) {
	if !d.plausible(t.out[len(dst):]) {
		t.undo(d)
		return dst, false
	}
	t.done = false
	return t.out, true
}

// undo makes ciphertext again of what was decrypted in place, if that still counts as a trial.
func (t *trial) undo(d *Decrypter) {
	if !t.done {
		return
	}
	t.done = false
	if out := t.out[len(t.out)-len(t.body):]; &out[0] == &t.body[0] {
		d.keys.setKey(d.stream, &t.key)
		d.stream.XORKeyStream(out, out)
	}
}
