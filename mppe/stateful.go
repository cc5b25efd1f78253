package mppe

// statefulState is what a Decrypter keeps in stateful mode.
type statefulState struct {
	session key
	// trial is the key that a packet is tried with. It is a field because a local one would escape
	// to the heap.
	trial      key
	linuxReset bool
	// discarding reports whether packets were lost: nothing is decrypted until a packet with the
	// FLUSHED bit.
	discarding bool
	cursor     flagCursor
}

// flagCursor makes key changes on the way to a packet with the FLUSHED bit that lies beyond many
// lost flag packets, without moving the session's own key.
type flagCursor struct {
	valid bool
	// done is how many changes after the session's key is, target how many are wanted.
	done, target int64
	key          key
	credit       int
}

// takeStateful is RFC 3078 section 8.2: packets in order; after a loss nothing until one has the
// FLUSHED bit.
func (d *Decrypter) takeStateful(p *Packet) error {
	n := d.high + 1 + (int64(p.count)-d.high-1)&countMask
	if !d.stateful.discarding {
		// Trying also tells the packet after an outage of exactly 4,096.
		if n == d.high+1 {
			return d.takeInOrder(p, n)
		}
		if d.isBehind(p, n) {
			if p.count == uint16(d.high&countMask) {
				return ErrDuplicate
			}
			return ErrLate
		}
		d.startDiscarding()
	}
	if !p.flushed {
		return ErrNeedReset
	}
	return d.resync(p, max(n, d.claim(p)))
}

// isBehind reports whether the packet, which could be number n, was rather sent before the last one
// decrypted. Where the sequence number does not tell, half of the counts are taken to lie behind.
func (d *Decrypter) isBehind(p *Packet, n int64) bool {
	if d.high < 0 {
		return false
	}
	if ahead, known := d.ahead(p); known {
		return ahead <= 0
	}
	return n > d.high+countSpace/2
}

func (d *Decrypter) startDiscarding() {
	d.stateful.discarding = true
	d.stats.Resets++
}

// takeInOrder decrypts packet n, the one after the last.
func (d *Decrypter) takeInOrder(p *Packet, n int64) error {
	s := d.stateful
	s.trial = s.session
	if isFlag(n) || p.flushed && s.linuxReset {
		d.keys.change(&s.trial)
	}
	if isFlag(n) || p.flushed {
		d.keys.setKey(d.stream, &s.trial)
	}
	if !d.open(&keystream{cipher: d.stream}, p) {
		// The trial has used up keystream that the true packet would need; the key chain is where
		// it was.
		d.startDiscarding()
		return ErrImplausible
	}
	d.commit(p, n)
	return nil
}

// commit makes packet n, which the trial key decrypted, the last one.
func (d *Decrypter) commit(p *Packet, n int64) {
	d.stateful.session = d.stateful.trial
	d.stateful.cursor.valid = false
	d.advanceTo(n, p.Seq)
}

// resync decrypts packet n, which has the FLUSHED bit, after a loss: it makes the key changes of
// the flag packets that were lost since, at most maxFlushedChanges at once, and then those that
// this packet brings.
func (d *Decrypter) resync(p *Packet, n int64) error {
	s := d.stateful
	c := &s.cursor
	flags := flagsUpTo(n) - flagsUpTo(d.high)
	if !c.valid || flags < c.done {
		*c = flagCursor{valid: true, key: s.session, credit: c.credit}
	}
	c.target = flags
	c.credit = min(c.credit+grant, maxCredit)
	budget := d.walkFlags(maxFlushedChanges)
	if c.done < flags {
		return ErrOutOfRange
	}
	s.trial = c.key
	if s.linuxReset && !isFlag(n) {
		d.keys.change(&s.trial)
		budget--
	}
	for {
		d.keys.setKey(d.stream, &s.trial)
		if d.open(&keystream{cipher: d.stream}, p) {
			d.commit(p, n)
			s.discarding = false
			d.stats.Resyncs++
			return nil
		}
		// Linux changes its key for every packet with the FLUSHED bit, also for those that were
		// lost on the way.
		if !s.linuxReset || budget <= 0 {
			return ErrImplausible
		}
		d.keys.change(&s.trial)
		budget--
	}
}

// walkFlags takes the cursor at most steps changes towards its target and returns what is left of
// steps.
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
