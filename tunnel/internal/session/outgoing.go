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

// outgoing hands the packets of one batch from the device to their sessions, those of each in their
// order. The sessions' packets are encrypted together: what has few for each of many sessions is no
// slower than what has many for one.
type outgoing struct {
	Routing
	batch mppe.SendBatch

	// One batch's working memory: whose each packet is, the packets in the order of their sessions,
	// the run of each session.
	owners []*Session
	bufs   [][]byte
	sizes  []int
	runs   []outgoingRun
}

// outgoingRun is the packets of one session.
type outgoingRun struct {
	session *Session
	bufs    [][]byte
	sizes   []int
}

// send sends the IP packets bufs[i][headroom:headroom+sizes[i]], whose buffers are overwritten, and
// the caller's again when it returns.
func (d *outgoing) send(bufs [][]byte, sizes []int) {
	d.owners, d.bufs, d.sizes, d.runs = d.owners[:0], d.bufs[:0], d.sizes[:0], d.runs[:0]
	unrouted := uint64(0)
	for i, b := range bufs {
		ip := b[headroom : headroom+sizes[i]]
		if d.Loop != nil && d.Loop.Loops(ip) {
			d.Looped.Add(1)
			d.owners = append(d.owners, nil)
			continue
		}
		s := d.Session(ip)
		if s == nil && (d.Unclaimed == nil || !d.Unclaimed(ip)) {
			unrouted++
		}
		d.owners = append(d.owners, s)
	}
	if unrouted > 0 && d.Unrouted != nil {
		d.Unrouted.Add(unrouted)
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
		d.runs = append(d.runs, outgoingRun{s, d.bufs[first:], d.sizes[first:]})
	}
	sendRuns(d.runs, &d.batch)
	clear(d.runs)
}
