package probe

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"syscall"
	"time"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/diagnosis"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// mostNumbers bounds the server's numbers that are kept: a server may send what it likes.
const mostNumbers = 1 << 16

// cookieLen is what begins an echo's data, by which its answer is known: random bytes and a number.
const cookieLen = 12

// echo is one LCP Echo-Request, and what came back.
type echo struct {
	size    int // of the IP packet that it stands for, bytes
	sent    time.Time
	back    time.Duration // 0: it has not come back
	whole   bool          // all of it has
	replied uint32        // the GRE number of the answer
}

// echoes are all that were sent, and what is seen of the server's numbers meanwhile.
type echoes struct {
	cookie [8]byte
	all    []echo
	byID   [256]int // the number of the last echo with an ID
	cut    bool     // the server does not return all data

	counting      bool
	first, last   uint32 // of the server's GRE numbers
	lastAt        time.Time
	came          map[uint32]bool
	late          int
	farthest      int
	slowest       time.Duration
	firstNumbered bool
}

// returned takes an Echo-Reply, and reports whether it answers one of these.
func (e *echoes) returned(id byte, data []byte, seq uint32, at time.Time) bool {
	n := -1
	switch {
	case len(e.all) == 0:
		return false
	case len(data) >= cookieLen && [8]byte(data) == e.cookie:
		n = int(binary.BigEndian.Uint32(data[8:]))
	case len(data) < cookieLen:
		n, e.cut = e.byID[id], true
	}
	if n < 0 || n >= len(e.all) {
		return false
	}
	if x := &e.all[n]; x.back == 0 {
		x.back, x.replied = max(at.Sub(x.sent), 1), seq
		x.whole = len(data) == dataOf(x.size)
		e.cut = e.cut || !x.whole
	}
	return true
}

// arrived notes the number of a packet of the server's.
func (e *echoes) arrived(seq uint32, at time.Time) {
	switch {
	case !e.counting || e.came[seq] || len(e.came) >= mostNumbers:
		return
	case !e.firstNumbered:
		e.firstNumbered, e.first, e.last, e.lastAt = true, seq, seq, at
	case int32(seq-e.last) > 0:
		e.last, e.lastAt = seq, at
	default:
		e.late++
		e.farthest = max(e.farthest, int(e.last-seq))
		e.slowest = max(e.slowest, at.Sub(e.lastAt))
		if int32(seq-e.first) < 0 {
			e.first = seq
		}
	}
	e.came[seq] = true
}

// dataOf is how long an echo's data are that stands for an IP packet in MPPE: both are behind four
// bytes of PPP, the packet behind four of MPPE, and the data behind LCP's eight.
func dataOf(size int) int { return size + mppeOverhead - 8 }

// smallest is the size of the smallest echo that is sent.
const smallest = cookieLen + 8 - mppeOverhead

// ask sends an echo, and gives its number.
func (c *call) ask(size int, whole bool) (n int, err error) {
	e := &c.echoes
	n = len(e.all)
	id := byte(n)
	data := make([]byte, dataOf(size))
	copy(data, e.cookie[:])
	binary.BigEndian.PutUint32(data[8:], uint32(n))
	e.all, e.byID[id] = append(e.all, echo{size: size, sent: time.Now()}), n
	return n, c.transmit(ppp.AppendEcho(nil, id, c.magic, data), whole)
}

// pause works the call for a while.
func (c *call) pause(d time.Duration) { c.until(d, func() bool { return false }) }

// patience is how long an answer may take.
func (c *call) patience() time.Duration {
	return min(max(time.Second, 4*c.facts.Path.Median), 4*time.Second)
}

// measure measures the path by echoes. They work as soon as LCP is open, so that it takes no login.
func (c *call) measure() {
	_, _ = rand.Read(c.echoes.cookie[:]) // never fails
	c.Begun(diagnosis.MTU)
	if c.greet() && c.out.canProbe() {
		c.probeMTU()
	}
	if !c.linkOver {
		c.judge(c.ctx, diagnosis.MTU)
	}
	c.Begun(diagnosis.RoundTrip)
	if c.facts.Path.Returned > 0 {
		c.burst()
	}
	if !c.judge(c.ctx, diagnosis.RoundTrip) {
		return
	}
	c.judge(c.ctx, diagnosis.Loss)
}

// greet sees whether the server answers echoes at all, and how soon.
func (c *call) greet() bool {
	p := &c.facts.Path
	p.Wanted = min(c.MTU, cmp.Or(c.facts.Link.MRU, 1500)-mppeOverhead)
	for range 3 {
		n, _ := c.ask(max(smallest, 64), false)
		p.Sent++
		if c.until(3*time.Second, func() bool { return c.echoes.all[n].back > 0 }) {
			p.Returned++
			p.Median = c.echoes.all[n].back
			return true
		}
	}
	return false
}

const (
	least    = 576 // bytes: every host takes that (RFC 791)
	ladder   = 32  // bytes between two sizes of the first look
	tries    = 3
	interval = 4 * time.Millisecond
)

// probeMTU finds the largest packet that comes back and was not to be fragmented.
func (c *call) probeMTU() {
	p := &c.facts.Path
	whole := func(sizes ...int) int { return c.largest(sizes, true) }
	if p.Largest = whole(p.Wanted); p.Largest == 0 {
		var sizes []int
		for s := least; s < p.Wanted; s += ladder {
			sizes = append(sizes, s)
		}
		p.Largest = whole(sizes...)
	}
	if p.Largest > 0 && p.Largest < p.Wanted {
		var sizes []int
		for s := p.Largest + 1; s < min(p.Largest+ladder, p.Wanted); s++ {
			sizes = append(sizes, s)
		}
		p.Largest = max(p.Largest, whole(sizes...))
	}
	if p.Largest < p.Wanted {
		p.Fragments = c.largest([]int{p.Wanted}, false) > 0
	}
	p.Cut = c.echoes.cut
}

// largest sends an echo of each size, again where nothing came back, and gives the largest that
// did.
func (c *call) largest(sizes []int, whole bool) (size int) {
	for try := range tries {
		if c.linkOver || c.ctx.Err() != nil {
			break
		}
		from := len(c.echoes.all)
		for _, s := range sizes {
			if s <= size {
				continue
			}
			if _, err := c.ask(s, whole); errors.Is(err, syscall.EMSGSIZE) {
				c.facts.Path.TooBigHere = true
			}
			c.pause(interval)
		}
		all := func() bool {
			return !slices.ContainsFunc(c.echoes.all[from:], func(e echo) bool { return e.back == 0 })
		}
		before := size
		done := c.until(c.patience(), all)
		for _, e := range c.echoes.all[from:] {
			if e.back > 0 {
				size = max(size, e.size)
			}
		}
		c.icmp()
		if done || try > 0 && size == before {
			break
		}
	}
	return size
}

const (
	together = 5 // echoes in a row: only then can they overtake each other
	lastWait = 3 * time.Second
	between  = 20 * time.Millisecond
)

// burst measures the round trip, and what is lost and late.
func (c *call) burst() {
	e, p := &c.echoes, &c.facts.Path
	*e = echoes{cookie: e.cookie, cut: e.cut, counting: true, came: map[uint32]bool{}}
	_, _ = rand.Read(e.cookie[:]) // answers to those before are not counted
	for i := 0; i < c.Echoes && !c.linkOver && c.ctx.Err() == nil; i++ {
		_, _ = c.ask(smallest, false)
		if i%together == together-1 {
			c.pause(between)
		}
	}
	counted := len(e.all)
	for range 3 { // they show what was lost at the end
		_, _ = c.ask(smallest, false)
		c.pause(between)
	}
	c.until(max(lastWait, c.patience()), func() bool {
		return !slices.ContainsFunc(e.all[:counted], func(x echo) bool { return x.back == 0 })
	})
	c.sum(e.all[:counted])
	p.Late, p.Farthest, p.Slowest = e.late, e.farthest, e.slowest
}

// sum counts what became of echoes.
func (c *call) sum(all []echo) {
	e, p := &c.echoes, &c.facts.Path
	// Numbers, for one sort: round trips, and the echoes by the server's numbers. In the order in
	// which the server answered they are as it got them.
	var trips, order []int64
	for n, x := range all {
		if x.back > 0 {
			trips = append(trips, int64(x.back))
			order = append(order, int64(int32(x.replied-e.first))<<32|int64(n))
		}
	}
	p.Sent, p.Returned = len(all), len(trips)
	lost := len(all) - len(trips)
	if e.firstNumbered {
		lostBack := int(e.last-e.first) + 1 - len(e.came)
		p.LostThere = max(0, lost-lostBack)
	}
	if len(trips) == 0 {
		return
	}
	slices.Sort(order)
	latest := int32(-1)
	for _, x := range order {
		if n := int32(x); n < latest {
			p.LateThere++
		} else {
			latest = n
		}
	}
	slices.Sort(trips)
	p.Median, p.Percent = time.Duration(trips[len(trips)/2]), time.Duration(trips[min(len(trips)-1, len(trips)*95/100)])
}
