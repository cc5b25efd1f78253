package session

import (
	"time"

	"github.com/arc4tun/arc4tun/mppe"
)

// earlyTime is how long packets that came before the session was open wait for the peer to be open
// too, where that does not say so.
const earlyTime = 500 * time.Millisecond

// earlyPackets are IP packets that came from the device before the session was open. An end of a
// link is open a moment before the other, which drops what comes in between.
type earlyPackets struct {
	packets [][]byte
	by      time.Time // when they leave at the latest; zero: there are none
}

// SendEarly sends IP packets that came before the session was open, as soon as the peer is open for
// them. It is for an Owner's methods, which are called on the session's goroutine.
func (s *Session) SendEarly(packets [][]byte) {
	if len(packets) == 0 {
		return
	}
	now := s.cfg.Now()
	s.early = earlyPackets{append(s.early.packets, packets...), now.Add(earlyTime)}
	s.link.Ask(now)
}

// sendEarly sends them.
func (s *Session) sendEarly() {
	if len(s.early.packets) == 0 {
		return
	}
	run := outgoingRun{session: s}
	for _, ip := range s.early.packets {
		b := make([]byte, headroom+len(ip))
		run.bufs, run.sizes = append(run.bufs, b), append(run.sizes, copy(b[headroom:], ip))
	}
	s.early = earlyPackets{}
	var batch mppe.SendBatch
	sendRuns([]outgoingRun{run}, &batch)
}

// expireEarly sends them to a peer that has not said whether it is open.
func (s *Session) expireEarly(now time.Time) {
	if !s.early.by.IsZero() && !now.Before(s.early.by) {
		s.sendEarly()
	}
}
