package mppe

import "github.com/arc4tun/arc4tun/arc4"

// Wipe overwrites all keys and RC4 tables of the session's direction, and the keystream of its
// Reserve, so that they do not lie in memory until somebody else happens to be given it. Nothing
// but Stats may be called afterwards.
func (e *Encrypter) Wipe() {
	e.session = key{}
	e.keys.wipe()
	e.keys.wipeCipher(e.stream)
	if e.reserve != nil {
		e.reserve.wipe()
	}
}

// Wipe is Encrypter.Wipe for the receiving half.
func (d *Decrypter) Wipe() {
	d.keys.wipe()
	d.keys.wipeCipher(d.stream)
	if s := d.stateful; s != nil {
		*s = statefulState{linuxReset: s.linuxReset}
	}
	if d.stateless == nil {
		return
	}
	d.stateless.store.wipe()
	if r := d.stateless.recovery; r != nil {
		clear(r.scratch[:cap(r.scratch)])
		r.key = key{}
		r.clear()
	}
}

func (c *keyChanger) wipe() {
	c.hash.Wipe()
	c.interim = key{}
	c.wipeCipher(c.rc4)
}

// wipeCipher puts tables that everybody knows in the place of those that a session key has made.
func (c *keyChanger) wipeCipher(cipher *arc4.Cipher) { c.setKey(cipher, new(key)) }

func (s *keyStore) wipe() {
	s.tipKey = key{}
	for _, b := range append(s.blocks[:], s.spare...) {
		if b != nil {
			*b = block{}
		}
	}
	if s.reserve != nil {
		s.reserve.wipe()
	}
}

// wipe waits for a Fill that is under way; any other finds nothing to do.
func (r *Reserve) wipe() {
	r.filling.Lock()
	defer r.filling.Unlock()
	r.wiped = true
	for i := range r.slots {
		r.slots[i] = slot{n: -1}
	}
	clear(r.slab)
	r.tip = key{}
	r.keys.wipe()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seekKey = key{}
}
