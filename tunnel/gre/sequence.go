package gre

// DefaultFirstSeq is the sequence number of the first packet sent. RFC 2637 section 4.1 says 0, and
// some peers send that; the Linux kernel, pptp-linux and npppd send 1, so it is what peers have met
// most.
const DefaultFirstSeq = 1

// Sequencer numbers the packets of one call that carry a payload (RFC 2637 section 4.1):
// consecutive, modulo 2^32. It is not safe for concurrent use: numbers must be given out in the
// order packets are sent.
type Sequencer struct {
	next uint32
}

// NewSequencer returns a sequencer whose first number is first; usually DefaultFirstSeq.
func NewSequencer(first uint32) *Sequencer { return &Sequencer{next: first} }

// Last is the number that Next gave last.
func (s *Sequencer) Last() uint32 { return s.next - 1 }

// Next returns the number of the next packet and consumes it.
func (s *Sequencer) Next() uint32 {
	n := s.next
	s.next++
	return n
}
