package mppe

// lookAhead is how far beyond the furthest packet a packet may lie and still be decrypted on
// arrival. Together with the least history it makes 4,096 packets, so that every coherency count
// means exactly one of them.
const lookAhead = countSpace - leastHistory - 1

// statelessState is what a Decrypter keeps in stateless mode.
//
// What a packet may cost is bounded. Keys are derived once and kept, so the look-ahead costs at
// most 2,047 key changes until a genuine packet moves it, whoever asks for it; beyond that a forged
// packet costs one key set-up and 64 bytes. Keys of gaps are kept until their packet has come or is
// Config.History behind: with the least history an idle or orderly session keeps about 4 KiB, the
// worst one about 66 KiB.
type statelessState struct {
	store keyStore
	// recovery exists once a packet claimed to lie beyond the look-ahead.
	recovery *recovery
	// timed reports whether a timer calls CatchUp, so that packets need not make the key changes of
	// a recovery.
	timed bool
}

// takeStateless tries the packet where its count puts it within the window. Where its sequence
// number puts it elsewhere, at claim, that is followed only if the trial fails, and ahead only in
// recovery.
func (d *Decrypter) takeStateless(p *Packet, claim int64) error {
	n, old := nearest(d.high, p.count), error(ErrLate)
	if d.isOld(claim) {
		err := d.tryAt(p, claim)
		if err == nil {
			return nil
		}
		if err == ErrDuplicate { // unless the peer has begun to number anew, and the count alone is right
			old = err
		}
	}
	err := d.tryAt(p, n)
	if err != nil {
		p.undo(d)
		if d.isFar(claim) {
			return d.takeFar(p, claim)
		}
	}
	if claim < n && (err == ErrImplausible || err == ErrDuplicate) {
		return old
	}
	return err
}

// isFar reports whether a packet that claims index n is a case for recovery.
func (d *Decrypter) isFar(n int64) bool { return n > d.high+lookAhead }

// isOld reports whether a packet that claims index n is late by more than its count alone can tell,
// and its key is kept nevertheless.
func (d *Decrypter) isOld(n int64) bool {
	return n < d.high-leastHistory && n >= d.high-d.stateless.store.history
}

// tryAt decrypts the packet with the key of index n, which is at most lookAhead beyond the furthest
// packet. Only if that gives something plausible has anything moved.
func (d *Decrypter) tryAt(p *Packet, n int64) error {
	s := &d.stateless.store
	if n < s.floor || n < d.high-s.history {
		return ErrLate
	}
	if s.used.has(n) {
		return ErrDuplicate
	}
	if !d.attempt(p, n) {
		return ErrImplausible
	}
	if n > d.high && s.reserve != nil {
		s.reserve.moved(n, s.at(n), len(p.body()))
	}
	s.use(n)
	if n > d.high {
		d.advanceTo(n, p.Seq)
		s.forget(n - s.history)
	}
	if r := d.stateless.recovery; r != nil {
		r.clear()
	}
	return nil
}

// attempt decrypts the packet with the key of index n into its room and reports whether that is
// plausible. What a batch has decrypted with that key already is only judged.
func (d *Decrypter) attempt(p *Packet, n int64) bool {
	if p.tried && p.n == n {
		ok := d.plausible(p.room())
		p.tried = !ok
		return ok
	}
	p.undo(d)
	s := &d.stateless.store
	k := s.at(n)
	stream := keystream{made: s.reserve.stream(n, len(p.body()))}
	if stream.made == nil {
		d.keys.setKey(d.stream, k)
		stream.cipher = d.stream
	}
	return d.open(&stream, p)
}

// takeFar handles a packet that claims an index beyond the look-ahead. It is given up, unless it
// completes the recovery.
func (d *Decrypter) takeFar(p *Packet, claim int64) error {
	s := d.stateless
	if s.recovery == nil {
		s.recovery = new(recovery)
	}
	s.recovery.note(claim, p)
	steps := maxInlineChanges
	if s.timed {
		steps = 0
	}
	if d.walk(steps) {
		if n := d.claim(p); n <= d.high+lookAhead && d.tryAt(p, n) == nil {
			return nil
		}
	}
	return ErrOutOfRange
}

func (d *Decrypter) catchUpStateless(steps int) (pending bool) {
	d.stateless.timed = true
	r := d.stateless.recovery
	if r == nil || len(r.targets) == 0 {
		return false
	}
	steps = min(max(steps, 0), r.credit)
	before := d.keys.rekeys
	if d.walk(steps) {
		return false
	}
	r.credit -= min(r.credit, int(d.keys.rekeys-before))
	return r.credit > 0 && len(r.targets) > 0
}
