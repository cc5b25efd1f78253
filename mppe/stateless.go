package mppe

// lookAhead is how far beyond the furthest packet a packet may lie and still be decrypted on arrival. Together with the
// least history it makes 4,096 packets, so that every coherency count means exactly one of them.
const lookAhead = countSpace - leastHistory - 1

// statelessState is what a Decrypter keeps in stateless mode.
type statelessState struct {
	store keyStore
	// recovery exists once a packet claimed to lie beyond the look-ahead.
	recovery *recovery
	// timed says that a timer calls CatchUp, so that packets need not make the key changes of a recovery.
	timed bool
}

// decryptStateless tries the packet where its count puts it within the window. Where its sequence number puts it elsewhere,
// that is followed only if the trial fails, and ahead only in recovery; without a judge there is no trial to fail.
func (d *Decrypter) decryptStateless(dst []byte, a *arrival) ([]byte, error) {
	n, claim := nearest(d.high, a.count), d.claim(a)
	old := error(ErrLate)
	if d.isOld(claim) && d.plausible != nil {
		out, err := d.tryAt(dst, a, claim)
		if err == nil {
			return out, nil
		}
		if err == ErrDuplicate { // unless the peer has begun to number anew, and the count alone is right
			old = err
		}
	}
	far := d.isFar(claim)
	if d.plausible == nil {
		if far {
			return d.decryptFar(dst, a, claim)
		}
		n = claim
	}
	out, err := d.tryAt(dst, a, n)
	if err != nil && far {
		return d.decryptFar(dst, a, claim)
	}
	if claim < n && (err == ErrImplausible || err == ErrDuplicate) {
		err = old
	}
	d.refuse(err)
	return out, err
}

// claim gives the index that count and sequence number together mean: ahead of the furthest packet no more packets can lie
// than sequence numbers, behind it no more either. Without a sequence number it is the one within the window.
func (d *Decrypter) claim(a *arrival) int64 {
	switch {
	case !a.known:
		return nearest(d.high, a.count)
	case a.ahead < 0:
		return atMost(d.high+a.ahead+countMask, a.count)
	}
	return atMost(d.high+a.ahead, a.count)
}

// isFar says that a packet which claims index n is a case for recovery.
func (d *Decrypter) isFar(n int64) bool { return n > d.high+lookAhead }

// isOld says that a packet which claims index n is late by more than its count alone can tell, and that its key is kept
// nevertheless.
func (d *Decrypter) isOld(n int64) bool {
	return n < d.high-leastHistory && n >= d.high-d.stateless.store.history
}

// tryAt decrypts the packet with the key of index n, which is at most lookAhead beyond the furthest packet. Only if that
// gives something plausible has anything moved.
func (d *Decrypter) tryAt(dst []byte, a *arrival, n int64) ([]byte, error) {
	s := &d.stateless.store
	if n < s.floor || n < d.high-s.history {
		return dst, ErrLate
	}
	if s.used.has(n) {
		return dst, ErrDuplicate
	}
	out, ok := d.attempt(dst, a, n)
	if !ok {
		return dst, ErrImplausible
	}
	if n > d.high && s.reserve != nil {
		s.reserve.moved(n, s.at(n), len(a.body))
	}
	s.use(n)
	if n > d.high {
		d.advanceTo(n, a)
		s.forget(n - s.history)
	}
	d.countDecrypted(len(a.body))
	if r := d.stateless.recovery; r != nil {
		r.clear()
	}
	return out, nil
}

// decryptFar handles a packet that claims an index beyond the look-ahead. It is given up, unless it completes the recovery.
func (d *Decrypter) decryptFar(dst []byte, a *arrival, claim int64) ([]byte, error) {
	s := d.stateless
	if s.recovery == nil {
		s.recovery = new(recovery)
	}
	s.recovery.note(claim, a)
	steps := maxInlineChanges
	if s.timed {
		steps = 0
	}
	if d.walk(steps) {
		d.locate(a)
		if n := d.claim(a); n <= d.high+lookAhead {
			if out, err := d.tryAt(dst, a, n); err == nil {
				return out, nil
			}
		}
	}
	d.stats.OutOfRange++
	return dst, ErrOutOfRange
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
