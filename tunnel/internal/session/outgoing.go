package session

import "github.com/arc4tun/arc4tun/mppe"

// A packet that carries a tunnel must not go into it: it would be carried again, and that again,
// until the link is full of one packet. Sockets and routes see to that; LoopCheck is the last word.
// It looks at what comes out of the device, and what is a call's own GRE or control connection goes
// no further.
type LoopCheck interface {
	// Loops reports whether an IP packet from the device is one of those that carry a tunnel of
	// ours.
	Loops(ip []byte) bool
}

// dispatch hands the packets of one batch from the device to their sessions, those of each in their
// order. The sessions' packets are encrypted together: what has few for each of many sessions is no
// slower than what has many for one.
type dispatch struct {
	Routing
	batch mppe.SendBatch

	// One batch's working memory: whose each packet is, the packets in the order of their sessions,
	// the sessions.
	owners   []*Session
	bufs     [][]byte
	sizes    []int
	sessions []*Session
}

// send sends the IP packets bufs[i][headroom:headroom+sizes[i]], whose buffers are overwritten, and
// the caller's again when it returns.
func (d *dispatch) send(bufs [][]byte, sizes []int) {
	d.owners, d.bufs, d.sizes, d.sessions = d.owners[:0], d.bufs[:0], d.sizes[:0], d.sessions[:0]
	nobodys := uint64(0)
	for i, b := range bufs {
		ip := b[headroom : headroom+sizes[i]]
		if d.Loop != nil && d.Loop.Loops(ip) {
			d.Looped.Add(1)
			d.owners = append(d.owners, nil)
			continue
		}
		s := d.Session(ip)
		if s == nil {
			nobodys++
		}
		d.owners = append(d.owners, s)
	}
	if nobodys > 0 && d.Unrouted != nil {
		d.Unrouted.Add(nobodys)
	}
	for i, s := range d.owners {
		if s == nil {
			continue
		}
		first := len(d.bufs)
		for k := i; k < len(bufs); k++ {
			if d.owners[k] == s {
				d.bufs, d.sizes = append(d.bufs, bufs[k]), append(d.sizes, sizes[k])
				d.owners[k] = nil
			}
		}
		if s.beginSending(d.bufs[first:], d.sizes[first:], &d.batch) {
			d.sessions = append(d.sessions, s)
		}
	}
	d.batch.Encrypt()
	for _, s := range d.sessions {
		s.endSending()
	}
	clear(d.owners)
	clear(d.sessions)
}
