package mppe

// statefulState is what a Decrypter keeps in stateful mode.
type statefulState struct {
	session key
	// trial is the key that a packet is tried with. It is a field because a local one would escape to the heap.
	trial      key
	linuxReset bool
	// discarding says that packets were lost: nothing is decrypted until a packet with the FLUSHED bit.
	discarding bool
	cursor     flagCursor
}

// flagCursor makes key changes on the way to a packet with the FLUSHED bit that lies beyond many lost flag packets, without
// moving the session's own key.
type flagCursor struct {
	valid bool
	// done is how many changes after the session's key is, target how many are wanted.
	done, target int64
	key          key
	credit       int
	// answers is how many packets with the FLUSHED bit came that lay too far to be decrypted at once. Linux has changed its key
	// for each of them.
	answers int
}

// decryptStateful is RFC 3078 section 8.2: packets in order; after a loss nothing until one has the FLUSHED bit.
func (d *Decrypter) decryptStateful(dst []byte, a *arrival) ([]byte, error) {
	s := d.stateful
	n := d.high + 1 + (int64(a.count)-d.high-1)&countMask
	if !s.discarding {
		// An outage of exactly 4,096 packets shows in the sequence number only; a judge sees it by trying.
		if n == d.high+1 && (d.plausible != nil || d.claim(a) <= n) {
			return d.decryptInOrder(dst, a, n)
		}
		if d.isBehind(a, n) {
			if a.count == uint16(d.high&countMask) {
				d.stats.Duplicated++
				return dst, ErrDuplicate
			}
			d.stats.Late++
			return dst, ErrLate
		}
		d.startDiscarding()
	}
	if !a.flushed {
		d.stats.Discarded++
		return dst, ErrNeedReset
	}
	return d.resync(dst, a, n)
}

// isBehind says whether the packet, which could be number n, was rather sent before the last one decrypted. Where the
// sequence number does not tell, half of the counts are taken to lie behind.
func (d *Decrypter) isBehind(a *arrival, n int64) bool {
	if d.high < 0 {
		return false
	}
	if a.known {
		return a.ahead <= 0
	}
	return n > d.high+countSpace/2
}

func (d *Decrypter) startDiscarding() {
	d.stateful.discarding = true
	d.stats.Resets++
}

// decryptInOrder decrypts packet n, the one after the last.
func (d *Decrypter) decryptInOrder(dst []byte, a *arrival, n int64) ([]byte, error) {
	s := d.stateful
	s.trial = s.session
	if isFlag(n) || a.flushed && s.linuxReset {
		d.keys.change(&s.trial)
	}
	if isFlag(n) || a.flushed {
		d.keys.setKey(d.stream, &s.trial)
	}
	out, ok := d.open(d.stream, dst, a.body)
	if !ok {
		// The trial has used up keystream that the true packet would need; the key chain is where it was.
		d.startDiscarding()
		d.stats.Implausible++
		return dst, ErrImplausible
	}
	d.commitStateful(a, n)
	return out, nil
}

// commitStateful makes packet n, which the trial key decrypted, the last one.
func (d *Decrypter) commitStateful(a *arrival, n int64) {
	d.stateful.session = d.stateful.trial
	d.stateful.cursor.valid = false
	d.advanceTo(n, a)
	d.countDecrypted(len(a.body))
}

// resync decrypts a packet with the FLUSHED bit after a loss: it makes the key changes of the flag packets that were lost
// since, at most maxFlushedChanges at once, and then those that this packet brings.
func (d *Decrypter) resync(dst []byte, a *arrival, n int64) ([]byte, error) {
	s := d.stateful
	if a.known {
		if d.plausible == nil && d.high >= 0 && a.ahead <= 0 {
			d.stats.Late++
			return dst, ErrLate
		}
		n = max(n, d.claim(a))
	}
	c := &s.cursor
	flags := flagsUpTo(n) - flagsUpTo(d.high)
	if !c.valid || flags < c.done {
		*c = flagCursor{valid: true, key: s.session, credit: c.credit}
	}
	c.target = flags
	c.credit = min(c.credit+grant, maxCredit)
	budget := d.walkFlags(maxFlushedChanges)
	if c.done < flags {
		if !isFlag(n) {
			c.answers = min(c.answers+1, maxFlushedChanges)
		}
		d.stats.OutOfRange++
		return dst, ErrOutOfRange
	}
	s.trial = c.key
	budget -= d.changeForAnswers(n)
	for {
		d.keys.setKey(d.stream, &s.trial)
		if out, ok := d.open(d.stream, dst, a.body); ok {
			d.commitStateful(a, n)
			s.discarding = false
			d.stats.Resyncs++
			return out, nil
		}
		// Linux changes its key for every packet with the FLUSHED bit, also for those that were lost on the way.
		if !s.linuxReset || budget <= 0 {
			d.stats.Implausible++
			return dst, ErrImplausible
		}
		d.keys.change(&s.trial)
		budget--
	}
}

// changeForAnswers makes, in the Linux way, the changes of packet n itself and of the packets with the FLUSHED bit before it
// that came, and returns how many. With a judge it is only that of packet n: the others may be forged, and are tried.
func (d *Decrypter) changeForAnswers(n int64) (changes int) {
	s := d.stateful
	if !s.linuxReset {
		return 0
	}
	if !isFlag(n) {
		changes++
	}
	if d.plausible == nil {
		changes = min(changes+s.cursor.answers, maxFlushedChanges)
	}
	for range changes {
		d.keys.change(&s.trial)
	}
	return changes
}

// walkFlags takes the cursor at most steps changes towards its target and returns what is left of steps.
func (d *Decrypter) walkFlags(steps int) int {
	c := &d.stateful.cursor
	for ; c.done < c.target && steps > 0; steps-- {
		d.keys.change(&c.key)
		c.done++
	}
	return steps
}

func (d *Decrypter) catchUpStateful(steps int) (pending bool) {
	c := &d.stateful.cursor
	if !c.valid {
		return false
	}
	steps = min(max(steps, 0), c.credit)
	c.credit -= steps - d.walkFlags(steps)
	return c.done < c.target && c.credit > 0
}
