package decrypt

import (
	"bytes"
	"time"

	"github.com/arc4tun/arc4tun/internal/serial"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// flow is one direction of a call.
type flow struct {
	follower    *Follower
	key         flowKey
	number      int
	call        *call
	first, last time.Time
	count       Direction

	challenges []challenge
	// requests are the last Configure-Requests of LCP and of CCP: who acknowledges them is the
	// other direction.
	requests [2]request
	// soughtAt is the state of the calls in which this flow's other direction was last looked for.
	soughtAt uint64
	// high is the furthest GRE sequence number.
	high uint32
	// seq is the GRE sequence number of the last packet of negotiation before there was data.
	seq   uint32
	crypt encryption
}

// request is a Configure-Request.
type request struct {
	sent    bool
	id      byte
	options []byte
}

// maxOptions bounds the options that are kept of one, in bytes.
const maxOptions = 256

// other is the other direction, or nil.
func (fl *flow) other() *flow {
	if fl.call.flows[0] == fl {
		return fl.call.flows[1]
	}
	return fl.call.flows[0]
}

func (fl *flow) miss(why Reason) { fl.count.Missed[why]++ }

// farBehind is how far behind a sequence number lies that is no late packet's.
const farBehind = 64

// restarts reports whether a packet of LCP begins another call under the same IDs, where no control
// connection says so: its sequence number lies behind, and it asks for what was not asked for.
func (fl *flow) restarts(at time.Time, seq uint32, info []byte) bool {
	behind := serial.Diff(fl.high, seq)
	if fl.first.IsZero() || behind < 0 || behind < farBehind && at.Sub(fl.last) < claimTime {
		return false
	}
	o := ppp.Overhear(ppp.ProtoLCP, info)
	r := &fl.requests[0]
	return o.Kind == ppp.OverheardConfigureRequest && !(r.sent && bytes.Equal(r.options, o.Data))
}

// frame takes a PPP frame.
func (fl *flow) frame(at time.Time, seq uint32, protocol uint16, info []byte) {
	if fl.count.Packets == 1 || serial.Diff(seq, fl.high) > 0 {
		fl.high = seq
	}
	switch protocol {
	case ppp.ProtoCompressed:
		fl.encrypted(at, seq, info)
		return
	case ppp.ProtoIPv4, ppp.ProtoIPv6:
		if fl.follower.emit(fl, at, info, nil) {
			fl.count.Plain++
		} else {
			fl.miss(Malformed)
		}
	default:
		fl.count.Negotiation++
		fl.negotiate(seq, protocol, ppp.Overhear(protocol, info))
		if fl.count.Deciphered == 0 {
			fl.seq = seq
		}
	}
	fl.crypt.mark(fl, seq)
}

// negotiate takes a control packet.
func (fl *flow) negotiate(seq uint32, protocol uint16, o ppp.Overheard) {
	layer := 0
	switch protocol {
	case ppp.ProtoLCP:
	case ppp.ProtoCCP:
		layer = 1
	default:
		fl.hearLogin(o)
		return
	}
	switch o.Kind {
	case ppp.OverheardConfigureRequest:
		if len(o.Data) <= maxOptions {
			r := &fl.requests[layer]
			r.sent, r.id, r.options = true, o.ID, append(r.options[:0], o.Data...)
		}
	case ppp.OverheardConfigureAck:
		fl.follower.calls.pairWith(fl, func(other *flow) bool {
			r := &other.requests[layer]
			return r.sent && r.id == o.ID && bytes.Equal(r.options, o.Data)
		})
		if layer == 0 {
			if name := ppp.AuthOf(o.Data); name != "" {
				fl.call.logins.auth = name
			}
		} else {
			fl.agree(seq, o.Data)
		}
	}
}

// agree takes an acknowledged request of CCP: who acknowledges it encrypts by it from now on, with
// keys from the start (RFC 3078 section 2, RFC 1962 section 3).
func (fl *flow) agree(seq uint32, options []byte) {
	e := &fl.crypt
	if e.agreed && serial.Diff(seq, e.agreedAt) <= 0 {
		return // seen twice
	}
	bits, stateless, ok := ppp.MPPEOf(options)
	e.agreed, e.agreedAt, e.bits, e.stateless, e.stale = ok, seq, bits, stateless, ok
	e.failed = 0
}

// encrypted takes a packet of MPPE.
func (fl *flow) encrypted(at time.Time, seq uint32, info []byte) {
	calls := &fl.follower.calls
	why, hopeless := fl.call.logins.hopeless()
	if hopeless && fl.alone() && fl.soughtAt != calls.changes {
		// The login may have been heard on a flow that is not known to be this one's other.
		calls.pairWith(fl, func(other *flow) bool {
			_, hopeless := other.call.logins.hopeless()
			return !hopeless
		})
		fl.soughtAt = calls.changes
		why, hopeless = fl.call.logins.hopeless()
	}
	if hopeless {
		fl.miss(why)
		return
	}
	fl.crypt.take(fl, at, seq, info)
}
