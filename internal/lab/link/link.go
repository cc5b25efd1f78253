package link

import (
	"math/rand/v2"
	"time"
)

// Link is one direction of an emulated link. It belongs to one goroutine at a
// time. [New] makes one.
type Link struct {
	cfg                              Config
	losses, duplicates, ahead, delay *rand.Rand
	epoch                            time.Time
	free                             time.Duration // when the line is free, since the epoch
	carry                            int64         // of free, the fraction of a nanosecond, in 1/Rate
	flight                           schedule
	order                            uint32
	slots                            [][]byte
	whose                            []account // of each slot
	empty                            []uint32
	stats                            [accounts]Stats
	// apart picks the packets of the account setApart; nil: none.
	apart func(p []byte) bool
}

// account is which of a link's accounts a packet is counted in.
type account uint8

const (
	ordinary account = iota
	setApart
	accounts
)

// Stats counts packets since New. Nothing is unaccounted for:
//
//	Sent + Duplicated = Delivered + Lost + Overflowed + Len()
type Stats struct {
	Sent       uint64 // handed to Send
	Delivered  uint64 // released, copies included
	Lost       uint64 // lost by chance
	Duplicated uint64 // copies made by chance
	Reordered  uint64 // sent ahead by chance
	Overflowed uint64 // refused by the full queue, copies included
}

// InFlight is how many of the packets are in the link.
func (s Stats) InFlight() int {
	return int(s.Sent + s.Duplicated - s.Delivered - s.Lost - s.Overflowed)
}

func (s Stats) plus(t Stats) Stats {
	return Stats{
		Sent: s.Sent + t.Sent, Delivered: s.Delivered + t.Delivered, Lost: s.Lost + t.Lost,
		Duplicated: s.Duplicated + t.Duplicated, Reordered: s.Reordered + t.Reordered, Overflowed: s.Overflowed + t.Overflowed,
	}
}

// New makes a link. The error names the field that is out of range.
func New(cfg Config) (*Link, error) {
	l := &Link{}
	if err := l.Reconfigure(cfg); err != nil {
		return nil, err
	}
	// A sequence for each kind of chance, so that they do not disturb each other.
	sequence := func(kind uint64) *rand.Rand { return rand.New(rand.NewPCG(cfg.Seed, kind)) }
	l.losses, l.duplicates, l.ahead, l.delay = sequence(1), sequence(2), sequence(3), sequence(4)
	return l, nil
}

// Reconfigure changes what happens to the packets that are sent from now on;
// Loss 1 takes the link down. Those in flight keep their times, and the chances
// go on where they were: Seed is ignored.
func (l *Link) Reconfigure(cfg Config) error {
	if err := cfg.validate(); err != nil {
		return err
	}
	if cfg.Limit == 0 {
		cfg.Limit = DefaultLimit
	}
	l.cfg, l.carry = cfg, 0
	return nil
}

// Send puts a packet into the link, which copies it. It reports whether at least
// one copy is on its way; if not, the packet was lost or the queue is full.
func (l *Link) Send(now time.Time, p []byte) (accepted bool) {
	copies := l.admit(now, p)
	for range copies {
		l.schedule(now, len(p), l.store(p))
	}
	return copies > 0
}

// take is Send of a buffer that becomes the link's. Another, or nil, comes back
// for it: in the long run as many as went in.
func (l *Link) take(now time.Time, p []byte) (back []byte) {
	copies := l.admit(now, p)
	for range max(0, copies-1) {
		l.schedule(now, len(p), l.store(p))
	}
	if copies == 0 {
		return p
	}
	slot := l.slot(l.accountOf(p))
	back, l.slots[slot] = l.slots[slot], p
	l.schedule(now, len(p), slot)
	return back
}

// admit lets chance and the queue decide how many copies of a packet go into the
// link.
func (l *Link) admit(now time.Time, p []byte) (copies int) {
	if l.epoch.IsZero() {
		l.epoch = now
	}
	whose := l.accountOf(p)
	stats := &l.stats[whose]
	stats.Sent++
	copies = 1
	if chance(l.duplicates, l.cfg.Duplicate) {
		stats.Duplicated++
		copies++
	}
	if chance(l.losses, l.cfg.Loss) {
		stats.Lost++
		copies--
	}
	room := max(0, l.cfg.Limit-len(l.flight))
	stats.Overflowed += uint64(max(0, copies-room))
	return min(copies, room)
}

// schedule decides when the packet in a slot, of so many bytes, is released.
func (l *Link) schedule(now time.Time, size int, slot uint32) {
	at := l.transmit(now.Sub(l.epoch), size)
	if chance(l.ahead, l.cfg.Reorder) {
		l.stats[l.whose[slot]].Reordered++
	} else {
		at += l.cfg.Distribution.draw(l.delay, l.cfg.Delay, l.cfg.Jitter)
	}
	l.flight.push(entry{at: at, order: l.order, slot: slot})
	l.order++
}

// chance draws only where there is something to decide.
func chance(rng *rand.Rand, share float64) bool { return share > 0 && rng.Float64() < share }

// transmit puts size bytes on the line and says when the last one has left.
func (l *Link) transmit(at time.Duration, size int) time.Duration {
	if l.cfg.Rate == 0 {
		return at
	}
	if at > l.free {
		l.free, l.carry = at, 0
	}
	l.carry += int64(size) * 8 * int64(time.Second)
	l.free += time.Duration(l.carry / l.cfg.Rate)
	l.carry %= l.cfg.Rate
	return l.free
}

// soonest is the least time that a packet can be under way.
func (l *Link) soonest() time.Duration {
	if l.cfg.Reorder > 0 || l.cfg.Jitter > 0 && l.cfg.Distribution != Uniform {
		return 0
	}
	return max(0, l.cfg.Delay-l.cfg.Jitter)
}

func (l *Link) accountOf(p []byte) account {
	if l.apart != nil && l.apart(p) {
		return setApart
	}
	return ordinary
}

// store copies p into an empty slot, whose buffer grows to the largest packet
// it has held.
func (l *Link) store(p []byte) uint32 {
	i := l.slot(l.accountOf(p))
	l.slots[i] = append(l.slots[i][:0], p...)
	return i
}

// slot gives an empty one.
func (l *Link) slot(whose account) uint32 {
	if len(l.empty) == 0 {
		l.empty = append(l.empty, uint32(len(l.slots)))
		l.slots, l.whose = append(l.slots, nil), append(l.whose, whose)
	}
	i := l.empty[len(l.empty)-1]
	l.empty = l.empty[:len(l.empty)-1]
	l.whose[i] = whose
	return i
}

// Due hands every packet whose time has come at now to deliver, in the order of
// their times. A packet is valid during its call only.
func (l *Link) Due(now time.Time, deliver func(p []byte)) {
	for {
		p, _, ok := l.pop(now)
		if !ok {
			return
		}
		deliver(p)
	}
}

// pop takes out the next packet if its time has come, with that time. Its bytes
// are valid until the next Send.
func (l *Link) pop(now time.Time) (p []byte, at time.Time, ok bool) {
	if len(l.flight) == 0 || l.flight[0].at > now.Sub(l.epoch) {
		return nil, time.Time{}, false
	}
	e := l.flight.pop()
	l.empty = append(l.empty, e.slot)
	l.stats[l.whose[e.slot]].Delivered++
	return l.slots[e.slot], l.epoch.Add(e.at), true
}

// Next says when the next packet is to be released; false when there is none.
func (l *Link) Next() (time.Time, bool) {
	if len(l.flight) == 0 {
		return time.Time{}, false
	}
	return l.epoch.Add(l.flight[0].at), true
}

// Len says how many packets are in the link.
func (l *Link) Len() int { return len(l.flight) }

// Stats returns the counters.
func (l *Link) Stats() Stats { return l.stats[ordinary].plus(l.stats[setApart]) }
