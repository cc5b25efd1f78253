package gre

import (
	"net/netip"

	"github.com/arc4tun/arc4tun/internal/uplink"
)

// Sender sends the packets of one session to its peer, by the best way its Conn has there. Send is
// for one goroutine at a time; the others may be called at any time.
type Sender interface {
	// Send sends whole GRE packets and returns how many the system took. What it refuses is lost,
	// as with Conn.WriteBatch, and the error is the same.
	Send(packets [][]byte) (n int, err error)
	// Established says that the peer has proven who it is. Until then nothing is tried that could
	// go wrong.
	Established()
	// Acknowledged notes an acknowledgment number that came from the peer.
	Acknowledged(ack uint32)
	// Status says how packets go now, and why.
	Status() SenderStatus
	// Close gives back what the Sender has. Send goes on working as long as the Conn does.
	Close()
}

// NewSender gives the sender to a peer of c.
func NewSender(c Conn, peer netip.Addr) Sender {
	if better, ok := c.(interface{ sender(netip.Addr) Sender }); ok {
		return better.sender(peer)
	}
	return &connSender{conn: c, peer: peer, why: "this system has no other way"}
}

// connSender sends by Conn.WriteBatch.
type connSender struct {
	conn Conn
	peer netip.Addr
	why  string
	pkts []Packet
}

func (s *connSender) Send(packets [][]byte) (int, error) {
	s.pkts = s.pkts[:0]
	for _, p := range packets {
		s.pkts = append(s.pkts, Packet{Addr: s.peer, Data: p})
	}
	return s.conn.WriteBatch(s.pkts)
}

func (s *connSender) Established()        {}
func (s *connSender) Acknowledged(uint32) {}
func (s *connSender) Close()              {}

func (s *connSender) Status() SenderStatus {
	return SenderStatus{Way: uplink.Raw.String(), Why: s.why}
}
