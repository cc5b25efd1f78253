package mppe

import "github.com/arc4tun/arc4tun/arc4"

// chainWidth is how many sessions take a step of their key chains together at most.
const chainWidth = 16

// link is the end of one session's key chain: its key is to be replaced by the one that follows it,
// which store, if there is one, is to keep.
type link struct {
	keys  *keyChanger
	key   *key
	store *keyStore
}

// chains takes steps of several key chains at once. Within a session a key depends on the one
// before, so that there is nothing to do side by side; the sessions do not depend on each other.
type chains struct {
	links [chainWidth]link
	jobs  [chainWidth]arc4.Job
	n     int
}

// sideBySide is how many sessions should step together: as many as the backend has streams. Fewer
// gain nothing, for then it works on one after another.
func sideBySide(packets *arc4.Backend) int { return min(packets.Streams(), chainWidth) }

// add takes in a link for the next step. No session may be in twice; there is room for chainWidth.
func (c *chains) add(l link) {
	c.links[c.n] = l
	c.n++
}

// step replaces all keys that were added, which are for the same RC4 backend, and forgets them.
func (c *chains) step() {
	links := c.links[:c.n]
	c.n = 0
	if len(links) == 0 {
		return
	}
	if packets := links[0].keys.packets; len(links) > 1 && len(links) >= sideBySide(packets) {
		c.together(packets, links)
	} else {
		for _, l := range links {
			l.keys.change(l.key)
		}
	}
	for _, l := range links {
		if l.store != nil {
			l.store.grown()
		}
	}
}

func (c *chains) together(packets *arc4.Backend, links []link) {
	jobs := c.jobs[:len(links)]
	for i, l := range links {
		interim := l.keys.begin(l.key)
		jobs[i] = arc4.Job{Key: interim, Dst: l.key.b[:len(interim)], Src: interim}
	}
	packets.XORKeyStreams(jobs)
	for _, l := range links {
		l.keys.salt(l.key)
	}
}
