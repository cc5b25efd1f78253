package session

import (
	"slices"
	"time"

	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/mppe"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// incoming hands the packets of one read of a socket to their sessions, those of each in their
// order. The sessions' packets are decrypted together: many at once are quicker than one after
// another. Nobody else may hold several sessions' ways in at a time: those of one socket have no
// other reader.
type incoming struct {
	batch  mppe.ReceiveBatch
	writer *deviceWriter

	// One read's working memory: its packets, those that have an owner in the order of their
	// sessions, and the run of each session.
	packets []received
	order   []*received
	runs    []incomingRun
}

// incomingRun is the packets of one session.
type incomingRun struct {
	session *Session
	packets []*received
}

func newIncoming(sizes memory.Sizes) *incoming {
	return &incoming{writer: newDeviceWriter(sizes.WideBuffers)}
}

// parse reads the headers of the packets of one read.
func (c *incoming) parse(pkts []gre.Packet) {
	c.packets = slices.Grow(c.packets[:0], len(pkts))[:len(pkts)]
	for i := range pkts {
		c.packets[i].parse(&pkts[i])
	}
}

// receive hands every packet to its owner, if it has one, and leaves it without.
func (c *incoming) receive(now time.Time) {
	c.order, c.runs = c.order[:0], c.runs[:0]
	for i := range c.packets {
		s := c.packets[i].owner
		if s == nil {
			continue
		}
		first := len(c.order)
		for k := i; k < len(c.packets); k++ {
			if p := &c.packets[k]; p.owner == s {
				c.order = append(c.order, p)
				p.owner = nil
			}
		}
		c.runs = append(c.runs, incomingRun{s, c.order[first:len(c.order):len(c.order)]})
	}
	receiveRuns(now, c.runs, &c.batch, c.writer)
	clear(c.order)
	clear(c.runs)
}
