package gre

import (
	"net/netip"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

// Recorder is shown the packets that pass a Conn. Its method is called from several goroutines, on
// the way of the packets: it must neither wait nor keep what it is shown.
type Recorder interface {
	// RecordGRE is shown a GRE header with its payload that is about to be sent from local to peer,
	// or that has come from there. What the system then refuses to send is shown too. ip is the
	// header that a packet came with; nil: it is not known.
	RecordGRE(local, peer netip.Addr, sent bool, ip, packet []byte)
}

// Record gives a Conn that does all that c does, and shows r what passes. Whoever calls it has c
// only through that from then on.
func Record(c Conn, r Recorder) Conn { return &recordedConn{Conn: c, recorder: r} }

type recordedConn struct {
	Conn
	recorder Recorder
}

func (c *recordedConn) ReadBatch(pkts []Packet) (int, error) {
	n, err := c.Conn.ReadBatch(pkts)
	recordReceived(c.recorder, c.LocalAddr(), pkts[:n])
	return n, err
}

func (c *recordedConn) WriteBatch(pkts []Packet) (int, error) {
	for i := range pkts {
		c.recorder.RecordGRE(c.LocalAddr(), pkts[i].Addr, true, nil, pkts[i].Data)
	}
	return c.Conn.WriteBatch(pkts)
}

// Readers are those of the connection beneath.
func (c *recordedConn) Readers() []Reader {
	readers := Readers(c.Conn)
	for i, r := range readers {
		readers[i] = &recordedReader{r, c.LocalAddr(), c.recorder}
	}
	return readers
}

func (c *recordedConn) acceptCalls(ids []uint16) error { return AcceptCalls(c.Conn, ids...) }

func (c *recordedConn) sender(peer netip.Addr) Sender {
	s := NewSender(c.Conn, peer)
	if fast, ok := s.(interface{ recordSentinels(Recorder) }); ok {
		fast.recordSentinels(c.recorder)
	}
	return &recordedSender{s, c.LocalAddr(), peer, c.recorder}
}

type recordedReader struct {
	Reader
	local    netip.Addr
	recorder Recorder
}

func (r *recordedReader) ReadBatch(pkts []Packet) (int, error) {
	n, err := r.Reader.ReadBatch(pkts)
	recordReceived(r.recorder, r.local, pkts[:n])
	return n, err
}

func recordReceived(r Recorder, local netip.Addr, pkts []Packet) {
	for i := range pkts {
		r.RecordGRE(local, pkts[i].Addr, false, receivedHeader(&pkts[i]), pkts[i].Data)
	}
}

// receivedHeader is the IP header that stands before a packet in its buffer, where the socket
// delivered one.
func receivedHeader(p *Packet) []byte {
	at := cap(p.Buf) - cap(p.Data)
	if at < ippkt.IPv4Len || at >= len(p.Buf) || len(p.Data) == 0 || &p.Buf[at] != &p.Data[0] {
		return nil
	}
	b := p.Buf[:at]
	if ippkt.Version(b) != 4 || ippkt.IPv4(b).HeaderLen() != at {
		return nil
	}
	return b
}

type recordedSender struct {
	Sender
	local, peer netip.Addr
	recorder    Recorder
}

func (s *recordedSender) Send(packets [][]byte) (int, error) {
	for _, p := range packets {
		s.recorder.RecordGRE(s.local, s.peer, true, nil, p)
	}
	return s.Sender.Send(packets)
}
