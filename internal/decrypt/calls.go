package decrypt

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"
)

const (
	// maxFlows bounds the directions of calls that are followed at a time.
	maxFlows = 2048
	// claimTime is how old the packets of a call may be that came before the message that connects
	// it; what is older belonged to another call with the same IDs.
	claimTime = 3 * time.Second
)

// flowKey is what the GRE packets of one direction have in common.
type flowKey struct {
	from, to netip.Addr
	callID   uint16 // the receiver's
}

// call is two flows, or one whose other is not known.
type call struct {
	// flows are the client's and the server's, where that is known; first is that which was seen
	// first. Either may be nil.
	flows   [2]*flow
	control bool
	begin   time.Time
	logins  logins
}

// calls knows the calls that go on, and lists those that have ended.
type calls struct {
	follower *Follower
	flows    map[flowKey]*flow
	made     int // flows so far
	// changes counts what may tell which flows belong together.
	changes uint64
	done    []Call
}

// flow is the flow of a key, which is made if it is not there, in a call of its own.
func (c *calls) flow(at time.Time, key flowKey) *flow {
	fl := c.flows[key]
	if fl == nil {
		c.room(1)
		fl = c.add(key, &call{begin: at}, 0)
	}
	if fl.first.IsZero() {
		fl.first = at
	}
	fl.last = at
	return fl
}

// room makes room for so many flows: the calls that were silent longest are given up, several at
// once.
func (c *calls) room(flows int) {
	if len(c.flows)+flows <= maxFlows {
		return
	}
	silent := slices.SortedFunc(maps.Values(c.flows), func(a, b *flow) int {
		return cmp.Or(a.call.last().Compare(b.call.last()), cmp.Compare(a.number, b.number))
	})
	for _, fl := range silent[:maxFlows/16] {
		c.finish(fl.call)
	}
}

// add makes a flow in a call.
func (c *calls) add(key flowKey, of *call, end int) *flow {
	fl := &flow{follower: c.follower, key: key, number: c.made, call: of}
	c.made++
	c.changes++
	c.flows[key] = fl
	of.flows[end] = fl
	return fl
}

// connected is told by a control connection which two flows are a call: out is from the one that
// asked for it, the client.
func (c *calls) connected(at time.Time, out, back flowKey) {
	if out == back {
		return // a host that calls itself
	}
	var early [2]*flow
	for i, key := range [2]flowKey{out, back} {
		fl := c.flows[key]
		if fl == nil {
			continue
		}
		if fl.call.control || at.Sub(fl.last) > claimTime {
			c.finish(fl.call) // its IDs are used again
			continue
		}
		early[i] = fl
	}
	c.room(2)
	made := &call{begin: at, control: true}
	for i, key := range [2]flowKey{out, back} {
		if early[i] == nil || c.flows[key] != early[i] {
			c.add(key, made, i)
			continue
		}
		c.move(early[i], made, i)
	}
}

// move puts a flow that is alone in its call into another call.
func (c *calls) move(fl *flow, to *call, end int) {
	from := fl.call
	if from != to {
		to.logins.join(&from.logins)
		if from.begin.Before(to.begin) || to.begin.IsZero() {
			to.begin = from.begin
		}
		for i := range from.flows {
			if from.flows[i] == fl {
				from.flows[i] = nil
			}
		}
	}
	to.flows[end] = fl
	fl.call = to
	for _, way := range to.flows {
		if way != nil {
			way.crypt.stale = true // there may be a login that it has not heard of
		}
	}
}

// alone reports whether the other direction of a flow is not known.
func (fl *flow) alone() bool { return fl.call.flows[0] == nil || fl.call.flows[1] == nil }

// pair makes one call of two flows that were alone.
func (c *calls) pair(fl, other *flow) {
	c.changes++
	end := 1
	if fl.call.flows[1] == fl {
		end = 0
	}
	c.move(other, fl.call, end)
}

// partner looks for the one flow that is alone, goes the other way between the same addresses, and
// is what is asked for; nil if there is none, or several.
func (c *calls) partner(fl *flow, is func(*flow) bool) (found *flow) {
	for _, other := range c.flows {
		if other.key.from != fl.key.to || other.key.to != fl.key.from || other == fl || !other.alone() || !is(other) {
			continue
		}
		if found != nil {
			return nil
		}
		found = other
	}
	return found
}

// pairWith pairs a flow that is alone with the one that is what is asked for, if there is one.
func (c *calls) pairWith(fl *flow, is func(*flow) bool) {
	if !fl.alone() {
		return
	}
	if other := c.partner(fl, is); other != nil {
		c.pair(fl, other)
	}
}

// pairLeftOver pairs what is alone at the end, where there is no choice.
func (c *calls) pairLeftOver() {
	for _, fl := range c.byAge() {
		c.pairWith(fl, func(*flow) bool { return true })
	}
}

// byAge are the flows in the order in which they were made.
func (c *calls) byAge() []*flow {
	return slices.SortedFunc(maps.Values(c.flows), func(a, b *flow) int { return cmp.Compare(a.number, b.number) })
}

// last is when a call was last heard of.
func (c *call) last() (t time.Time) {
	t = c.begin
	for _, fl := range c.flows {
		if fl != nil && fl.last.After(t) {
			t = fl.last
		}
	}
	return t
}

// finish ends the following of a call.
func (c *calls) finish(ended *call) {
	report := Call{Begin: ended.begin, End: ended.last(), Control: ended.control}
	report.Login, report.Method, report.User = ended.logins.state()
	for i, fl := range ended.flows {
		if fl == nil {
			continue
		}
		if c.flows[fl.key] != fl {
			return // it has ended before
		}
		fl.crypt.flush(fl)
		fl.crypt.wipe()
		delete(c.flows, fl.key)
		if fl.count.Bits == 0 && fl.crypt.agreed {
			fl.count.Bits, fl.count.Stateful = fl.crypt.bits, !fl.crypt.stateless
		}
		report.Directions[i] = fl.count
		report.Directions[i].From, report.Directions[i].To, report.Directions[i].CallID = fl.key.from, fl.key.to, fl.key.callID
	}
	// The client is who answered the challenge.
	if client := ended.logins.client(); client != nil && client == ended.flows[1] {
		report.Directions[0], report.Directions[1] = report.Directions[1], report.Directions[0]
	}
	ended.logins.wipe()
	if len(c.done) < MaxCalls {
		c.done = append(c.done, report)
	} else {
		c.follower.report.Unlisted++
	}
}
