package session

import (
	"time"

	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// What is longer than the session's MTU, which the peer's MRU may make smaller than that of the
// device, is dealt with as a router does: IPv4 is fragmented where that is allowed; all else is
// dropped, and its sender told by ICMP what would fit.

const (
	// answersAtOnce and answersPerSecond bound the ICMP messages of one session (RFC 1812 section
	// 4.3.2.8, RFC 4443 section 2.4): one serves a sender for minutes.
	answersAtOnce    = 32
	answersPerSecond = 32
	answerQueue      = answersAtOnce
)

// answerBudget allows answersAtOnce answers at once, and answersPerSecond in the long run. The zero
// value is full.
type answerBudget struct {
	spent int
	since time.Time
}

// answeredFlow is the flow whose sender was told, if one was.
type answeredFlow struct {
	known bool
	flow  [36]byte
}

func (b *answerBudget) take(now time.Time) bool {
	const each = time.Second / answersPerSecond
	if b.spent == 0 {
		b.since = now
	}
	back := now.Sub(b.since) / each
	b.since = b.since.Add(back * each)
	b.spent = max(0, b.spent-int(min(back, answersAtOnce)))
	if b.spent == answersAtOnce {
		return false
	}
	b.spent++
	return true
}

// tooLong takes an IP packet over the MTU.
func (o *outbound) tooLong(ip []byte, protocol uint16) {
	if f, ok := netdev.Fragment(ip, o.mtu); ok {
		o.stats.Fragmented++
		for {
			b := getBuffer()
			n := f.Next(b[headroom:])
			if n == 0 {
				putBuffer(b[:])
				return
			}
			o.borrowed = append(o.borrowed, b)
			o.place(b[:], n, protocol)
			o.stats.Fragments++
		}
	}
	if !o.answerTooLong(ip) {
		o.stats.TooLong++
		return
	}
	o.stats.Answered++
}

// answerTooLong has the sender of a packet told what fits, unless it was told already by the packet
// before, or too many were.
func (o *outbound) answerTooLong(ip []byte) bool {
	flow := flowOf(ip)
	if o.answered.known && flow == o.answered.flow {
		return false
	}
	b := getBuffer()
	n := netdev.TooBig(b[headroom:], ip, o.mtu)
	if n == 0 || !o.answers.take(o.now()) {
		putBuffer(b[:])
		return false
	}
	select {
	case o.replies <- b[:headroom+n]:
	default:
		putBuffer(b[:])
		return false
	}
	o.answered = answeredFlow{true, flow}
	o.poke()
	return true
}

// flowOf is an IP packet's addresses and what stands where ports do: enough to tell whether two
// packets that follow each other, as those into which a large TCP segment came apart, are one
// sender's to one receiver.
func flowOf(ip []byte) (flow [36]byte) {
	const ports = 4
	switch v := ippkt.Version(ip); {
	case v == 4 && ippkt.IPv4(ip).HeaderLen() == ippkt.IPv4Len && len(ip) >= ippkt.IPv4Len+ports:
		copy(flow[:], ip[12:24])
	case v == 6 && len(ip) >= ippkt.IPv6Len+ports:
		copy(flow[:], ip[8:44])
	}
	return flow
}

// reply writes the ICMP messages that wait to the device, on the session's own goroutine: a device
// may make who writes to it wait for who reads it.
func (s *Session) reply() {
	for {
		select {
		case p := <-s.out.replies:
			s.in.answer(p)
			putBuffer(p)
		default:
			return
		}
	}
}
