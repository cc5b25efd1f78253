package mppe

import "github.com/arc4tun/arc4tun/arc4"

// chainWidth is how many sessions take a step of their key chains together.
const chainWidth = 16

// link is the end of one session's key chain: its key is to be replaced by the one that follows it, which store, if there
// is one, is to keep.
type link struct {
	keys  *keyChanger
	key   *key
	store *keyStore
}

// chains takes steps of several key chains at once. Within a session a key depends on the one before, so that there is
// nothing to do side by side; the sessions do not depend on each other.
type chains struct {
	links [chainWidth]link
	jobs  [chainWidth]arc4.Job
	n     int
}

// add takes in a link for the next step. No session may be in twice; there is room for chainWidth.
func (c *chains) add(l link) {
	c.links[c.n] = l
	c.n++
}

// step replaces all keys that were added, which are for the same RC4 backend, and forgets them.
func (c *chains) step() {
	links := c.links[:c.n]
	c.n = 0
	if len(links) == 1 {
		links[0].keys.change(links[0].key)
	} else {
		c.together(links)
	}
	for _, l := range links {
		if l.store != nil {
			l.store.grown()
		}
	}
}

func (c *chains) together(links []link) {
	jobs := c.jobs[:len(links)]
	for i, l := range links {
		interim := l.keys.begin(l.key)
		jobs[i] = arc4.Job{Key: interim, Dst: l.key[:len(interim)], Src: interim}
	}
	links[0].keys.backend.XORKeyStreams(jobs)
	for _, l := range links {
		l.keys.salt(l.key)
	}
}
