package session

import (
	"time"

	"github.com/arc4tun/arc4tun/mppe"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// arrivals hands the packets of one read of a socket to their sessions, those of each in their
// order. The sessions' packets are deciphered together, as dispatch encrypts them. Nobody else may
// hold several sessions' ways in at a time: those of one shard have no other reader.
type arrivals struct {
	batch  mppe.ReceiveBatch
	writer *devWriter

	// One read's working memory: whose each packet is, the packets in the order of their sessions,
	// the runs of them.
	owners []*Session
	pkts   []gre.Packet
	runs   []arrivalRun
}

// arrivalRun is the packets of one session, which end where those of the next one begin.
type arrivalRun struct {
	session *Session
	end     int
}

// receive hands pkts[i] to the session owners[i], if there is one, and clears owners.
func (a *arrivals) receive(now time.Time, pkts []gre.Packet) {
	a.pkts, a.runs = a.pkts[:0], a.runs[:0]
	var ahead *mppe.ReceiveBatch
	if len(pkts) > 1 { // there is nothing to gain where it is one packet
		ahead = &a.batch
	}
	for i, s := range a.owners {
		if s == nil {
			continue
		}
		first := len(a.pkts)
		for k := i; k < len(pkts); k++ {
			if a.owners[k] == s {
				a.pkts = append(a.pkts, pkts[k])
				a.owners[k] = nil
			}
		}
		a.runs = append(a.runs, arrivalRun{s, len(a.pkts)})
		s.beginReceiving(a.pkts[first:], ahead)
	}
	a.batch.Decrypt()
	first := 0
	for _, r := range a.runs {
		r.session.endReceiving(now, a.pkts[first:r.end], a.writer)
		first = r.end
	}
	clear(a.runs)
}
