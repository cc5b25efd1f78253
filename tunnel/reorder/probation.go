package reorder

// Probation guards a window against forged numbers where nothing else proves a
// packet genuine. A jump far ahead is believed only when the packets after it
// carry on from there, with none from the old place in between: one stray packet
// moves nothing, and after a long outage the stream is followed at the cost of
// Needed-1 packets. The idea is RTP's, RFC 3550 appendix A.1. The zero value is
// ready, with the defaults.
type Probation struct {
	Reach  uint32 // a jump of less than this many numbers needs no proof; 0: 3000, as RFC 3550 has it
	Needed int    // packets that must carry on from one another, the first included; 0: 3

	last uint32
	run  int
}

// carryOn is how far a packet of a new run may be ahead of the one before it:
// links lose and reorder packets after an outage as they do before one.
const carryOn = 16

// Believe says whether the packet seq may be pushed into a window whose head is
// head. What is behind the head always may: the window itself refuses it.
func (p *Probation) Believe(seq, head uint32) bool {
	reach, needed := p.Reach, p.Needed
	if reach == 0 {
		reach = 3000
	}
	if needed == 0 {
		needed = 3
	}
	if ahead := int32(seq - head); ahead < 0 {
		// Late or duplicate; it neither proves the old place nor the new one.
		return true
	} else if uint32(ahead) < reach {
		p.run = 0
		return true
	}
	if on := int32(seq - p.last); p.run > 0 && on > 0 && on <= carryOn {
		p.run++
	} else {
		p.run = 1
	}
	p.last = seq
	if p.run < needed {
		return false
	}
	p.run = 0
	return true
}
