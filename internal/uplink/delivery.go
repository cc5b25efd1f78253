package uplink

import "github.com/arc4tun/arc4tun/internal/serial"

// delivery judges, from the acknowledgments of the peer, whether what goes by a fast way arrives. A
// GRE acknowledgment names the highest sequence number that the peer has received (RFC 2637 section
// 4.3), and all numbered packets go the same way, so one that names a number sent by the fast way
// proves it.
//
// It looks once a second, so it needs no clock, and the way of a packet none either.
type delivery struct {
	proven bool // some time in the life of the path

	// Since the way was taken:
	seen   bool   // an acknowledgment has covered something, last acked
	acked  uint32 //
	looked bool   // there was a look, which found sent to be the last number
	sent   uint32
	silent int // looks in a row that found more sent and nothing more acknowledged
}

const (
	// A peer acknowledges within half a second and a round trip. What was never proven costs the
	// tunnel all its packets until the last look; what was proven has more likely met a bad link.
	maxSilentUnproven = 2
	maxSilent         = 3
)

// verdict of a look.
type verdict int

const (
	goOn   verdict = iota
	failed         // nothing has ever come back: the way does not seem to work here
	lost           // nothing comes back any more
)

// sentBy is what went by a fast way since it was taken: the first and the last sequence number, if
// any.
type sentBy struct {
	any         bool
	first, last uint32
}

// heard is the latest acknowledgment from the peer, if any.
type heard struct {
	any bool
	ack uint32
}

// look is to be called every second while a fast way is in use.
func (p *delivery) look(s sentBy, h heard) verdict {
	if !s.any {
		return goOn
	}
	from := s.first
	if p.seen {
		from = p.acked // so that numbers may wrap as often as they like
	}
	covers := h.any && serial.Diff(h.ack, from) >= 0 && serial.Diff(s.last, h.ack) >= 0
	progress := covers && (!p.seen || h.ack != p.acked || h.ack == s.last)
	sending := !p.looked || s.last != p.sent
	p.looked, p.sent = true, s.last
	if covers {
		p.proven, p.seen, p.acked = true, true, h.ack
	}
	switch {
	case progress:
		p.silent = 0
	case sending:
		p.silent++
	}
	switch {
	case !p.proven && p.silent > maxSilentUnproven:
		return failed
	case p.proven && p.silent > maxSilent:
		return lost
	}
	return goOn
}

// again starts over for another way, or for the same one after a change.
func (p *delivery) again() { *p = delivery{proven: p.proven} }
