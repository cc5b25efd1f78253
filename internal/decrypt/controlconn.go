package decrypt

import (
	"cmp"
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/internal/ippkt"
)

// port is that of PPTP's control connections (RFC 2637 section 1.3).
const port = 1723

// maxConnections bounds the control connections that are followed.
const maxConnections = 1024

// endpoints are those of one direction of a TCP connection.
type endpoints struct {
	from, to         netip.Addr
	fromPort, toPort uint16
}

func (e endpoints) reverse() endpoints { return endpoints{e.to, e.from, e.toPort, e.fromPort} }

// streams are the directions of control connections.
type streams struct {
	list map[endpoints]*stream
	used map[endpoints]uint64 // when each had its last segment, by count
	n    uint64
}

// get is the stream of a direction, which is made if it is not there.
func (s *streams) get(e endpoints) *stream {
	if s.list == nil {
		s.list, s.used = make(map[endpoints]*stream), make(map[endpoints]uint64)
	}
	s.n++
	st := s.list[e]
	if st == nil {
		if len(s.list) >= 2*maxConnections {
			s.forgetOldest()
		}
		st = new(stream)
		s.list[e] = st
	}
	s.used[e] = s.n
	return st
}

func (s *streams) forgetOldest() {
	var oldest endpoints
	least := ^uint64(0)
	for e, n := range s.used {
		if n < least {
			oldest, least = e, n
		}
	}
	delete(s.list, oldest)
	delete(s.used, oldest)
}

// finish gives up what is missing, at the end of the capture.
func (s *streams) finish(f *Follower) {
	order := slices.SortedFunc(maps.Keys(s.list), func(a, b endpoints) int { return cmp.Compare(s.used[a], s.used[b]) })
	for _, e := range order {
		st := s.list[e]
		for len(st.waiting) > 0 {
			at := st.waiting[0].at
			st.skip(func(m control.Message) { f.message(at, e.from, e.to, m) })
		}
	}
}

// tcp takes a TCP segment between two addresses.
func (f *Follower) tcp(at time.Time, from, to netip.Addr, b []byte) {
	if len(b) < ippkt.TCPLen {
		return
	}
	e := endpoints{from, to, binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])}
	header := int(b[12]>>4) * 4
	if e.fromPort != port && e.toPort != port || header < ippkt.TCPLen || header > len(b) {
		return
	}
	f.report.Control++
	seq, flags := binary.BigEndian.Uint32(b[4:]), b[13]
	s := f.streams.get(e)
	if flags&ippkt.FlagSYN != 0 {
		s.begin(seq)
		return
	}
	if flags&ippkt.FlagACK != 0 {
		back := e.reverse()
		if other := f.streams.list[back]; other != nil {
			other.acknowledged(at, binary.BigEndian.Uint32(b[8:]), func(m control.Message) { f.message(at, to, from, m) })
		}
	}
	s.add(at, seq, b[header:], func(m control.Message) { f.message(at, from, to, m) })
}

// message is a control message: those that connect a call have its two IDs.
func (f *Follower) message(at time.Time, from, to netip.Addr, m control.Message) {
	switch m := m.(type) {
	case control.OutgoingCallReply: // from the PAC, the server
		if m.Result == control.CallConnected {
			f.calls.connected(at, flowKey{to, from, m.CallID}, flowKey{from, to, m.PeerCallID})
		}
	case control.IncomingCallReply: // from the PNS
		if m.Result == control.IncomingConnect {
			f.calls.connected(at, flowKey{from, to, m.PeerCallID}, flowKey{to, from, m.CallID})
		}
	}
}
