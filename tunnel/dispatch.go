package tunnel

import (
	"sync/atomic"

	"github.com/arc4tun/arc4tun/mppe"
)

// dispatch hands the packets of one batch from the device to their sessions, those of each in their
// order. The sessions' packets are encrypted together: what has few for each of many sessions is no
// slower than what has many for one.
type dispatch struct {
	route func(ip []byte) *Session // whose a packet is, or nil
	lost  *atomic.Uint64           // its owner's: packets for no session; nil: nobody counts them
	check loopCheck                // nil: no packet can be one that carries a tunnel
	loops *atomic.Uint64           // its owner's: such packets, which are dropped
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
		if d.check != nil && d.check.loops(ip) {
			d.loops.Add(1)
			d.owners = append(d.owners, nil)
			continue
		}
		s := d.route(ip)
		if s == nil {
			nobodys++
		}
		d.owners = append(d.owners, s)
	}
	if nobodys > 0 && d.lost != nil {
		d.lost.Add(nobodys)
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
