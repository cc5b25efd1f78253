package decrypt

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// Options are what a Follower needs to know.
type Options struct {
	// Hashes gives the NT hashes of the passwords that a user may have (mschap.NTPasswordHash); the
	// user is as the client said, perhaps with DOMAIN\ in front.
	Hashes func(user string) [][16]byte
	// Emit gets the packets inside. An error ends the following.
	Emit func(Plain) error
	// Backend does the RC4; nil is the one that arc4 selects for this machine.
	Backend *arc4.Backend
}

// Plain is an IP packet from inside a call.
type Plain struct {
	At time.Time // of the packet that it came in
	// IP is the packet; it is valid until Emit returns.
	IP []byte
	// Flow numbers the direction of the call, from 0; From, To and CallID are the addresses outside
	// and the ID in the GRE packets, User who has logged in, if that is known.
	Flow     int
	From, To netip.Addr
	CallID   uint16
	User     string
	// Bits and Stateful say how it was encrypted; 0: it was not.
	Bits     int
	Stateful bool
}

// Follower follows all calls of one capture. It is not safe for concurrent use.
type Follower struct {
	opt       Options
	fragments fragments
	streams   streams
	calls     calls
	report    Report
	scratch   []byte // what packets are decrypted into
	spare     []byte // and those of which nobody wants to know more than that they decrypt
	err       error  // of Emit
	changes   int    // that packets may still cost which do not decipher: see maxChanges
}

// New makes a Follower.
func New(opt Options) *Follower {
	f := &Follower{opt: opt, changes: maxChanges, scratch: make([]byte, 0, maxDatagram), spare: make([]byte, 0, maxDatagram)}
	f.calls = calls{follower: f, flows: make(map[flowKey]*flow)}
	return f
}

// Packet takes the next IP packet of the capture; cut reports whether its end is not there. The
// error is Emit's.
func (f *Follower) Packet(at time.Time, ip []byte, cut bool) error {
	f.report.Packets++
	f.changes = min(f.changes+changesPerPacket, maxChanges)
	if ippkt.Version(ip) != 4 {
		return f.err
	}
	p := ippkt.IPv4(ip)
	if p.Protocol() != ippkt.GRE && p.Protocol() != ippkt.TCP {
		return f.err
	}
	header, total, sound := p.Lengths()
	switch {
	case sound:
		cut, ip = false, ip[:total] // what is missing is padding
	case !cut || header < ippkt.IPv4Len || header > len(ip):
		return f.err
	}
	body := ip[header:]
	if p.IsFragment() {
		if body, cut = f.fragments.add(p, body, cut); body == nil {
			return f.err
		}
	}
	if p.Protocol() == ippkt.TCP {
		f.tcp(at, p.Source(), p.Destination(), body)
	} else {
		f.gre(at, p.Source(), p.Destination(), body, cut)
	}
	return f.err
}

// gre takes a GRE packet between two addresses.
func (f *Follower) gre(at time.Time, from, to netip.Addr, b []byte, cut bool) {
	if cut && len(b) >= gre.MinHeader {
		// Its header tells whose it was.
		length := int(b[4])<<8 | int(b[5])
		b = append(append(f.scratch[:0], b...), make([]byte, max(0, gre.MaxHeader+length-len(b)))...)
	}
	h, body, err := gre.Parse(b)
	switch {
	case errors.Is(err, gre.ErrEmpty):
		f.report.Acks++
		return
	case err != nil:
		f.report.Strange++
		return
	}
	if !h.HasSeq { // an acknowledgment alone
		f.report.Acks++
		return
	}
	key := flowKey{from, to, h.CallID}
	protocol, info, err := ppp.ParseFrame(body)
	if known := f.calls.flows[key]; err == nil && protocol == ppp.ProtoLCP && known != nil && known.restarts(at, h.Seq, info) {
		f.calls.finish(known.call)
	}
	fl := f.calls.flow(at, key)
	fl.count.Packets++
	switch {
	case cut:
		fl.miss(Cut)
	case err != nil:
		fl.miss(Malformed)
	default:
		fl.frame(at, h.Seq, protocol, info)
	}
}

// Finish gives what is held still, when the capture has ended. The error is Emit's.
func (f *Follower) Finish() error {
	f.streams.finish(f)
	f.calls.pairLeftOver()
	for _, fl := range f.calls.byAge() {
		f.calls.finish(fl.call)
	}
	return f.err
}

// Report says what became of all packets. It is complete after Finish.
func (f *Follower) Report() Report {
	r := f.report
	r.Calls = slices.Clone(f.calls.done)
	slices.SortStableFunc(r.Calls, func(a, b Call) int { return a.Begin.Compare(b.Begin) })
	return r
}

// emit hands on an IP packet from a flow. Bytes behind it are padding.
func (f *Follower) emit(fl *flow, at time.Time, ip []byte, by *candidate) bool {
	switch ippkt.Version(ip) {
	case 4:
		_, total, ok := ippkt.IPv4(ip).Lengths()
		if !ok {
			return false
		}
		ip = ip[:total]
	case 6:
		total := ippkt.IPv6(ip).TotalLen()
		if total > len(ip) {
			return false
		}
		ip = ip[:total]
	default:
		return false
	}
	p := Plain{At: at, IP: ip, Flow: fl.number, From: fl.key.from, To: fl.key.to, CallID: fl.key.callID, User: fl.call.user()}
	if by != nil {
		p.Bits, p.Stateful = by.bits, !by.stateless
	}
	fl.count.Bytes += uint64(len(ip))
	if f.err == nil && f.opt.Emit != nil {
		f.err = f.opt.Emit(p)
	}
	return true
}
