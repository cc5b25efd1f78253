package gre

import (
	"net/netip"
	"syscall"

	"github.com/arc4tun/arc4tun/internal/uplink"
)

// sender gives the way to a peer, past the raw socket if that can be.
func (c *rawConn) sender(peer netip.Addr) Sender {
	peer = peer.Unmap()
	if c.up == nil || !peer.Is4() {
		return &connSender{conn: c, peer: peer, why: c.noUp}
	}
	s := &fastSender{conn: c, peer: peer, path: c.up.Path(peer)}
	s.sentinels[0] = s.sentinel[:]
	return s
}

// fastSender sends by a path of the uplink what may go that way, and the rest by the raw socket.
type fastSender struct {
	conn      *rawConn
	peer      netip.Addr
	path      *uplink.Path
	sentinel  [AckOnlyLen]byte
	sentinels [1][]byte
	recorder  Recorder // of sentinels; nil: nobody is shown them
}

func (s *fastSender) recordSentinels(r Recorder) { s.recorder = r }

func (s *fastSender) Established()            { s.path.Established() }
func (s *fastSender) Acknowledged(ack uint32) { s.path.Acknowledged(ack) }
func (s *fastSender) Status() uplink.Status   { return s.path.Status() }
func (s *fastSender) Close()                  { s.path.Close() }

func (s *fastSender) Send(packets [][]byte) (int, error) {
	total := 0
	if len(packets) > 0 {
		if err := s.report(); err != nil {
			return total, err
		}
	}
	for len(packets) > 0 {
		sent, lost := s.path.Send(packets)
		s.countFast(packets[:sent], lost)
		total += sent
		packets = packets[sent+lost:]
		if len(packets) == 0 {
			break
		}
		slow := packets[:s.path.Slow(packets)]
		n, err := s.raw(slow)
		total += n
		packets = packets[len(slow):]
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// report lets the kernel see that the peer is being sent to, when that is due, by an
// acknowledgment.
func (s *fastSender) report() error {
	due, callID, ack := s.path.Sentinel()
	if !due {
		return nil
	}
	AckOnly(callID, ack).Put(s.sentinel[:])
	if s.recorder != nil {
		s.recorder.RecordGRE(s.conn.local, s.peer, true, nil, s.sentinel[:])
	}
	_, err := s.raw(s.sentinels[:])
	return err
}

func (s *fastSender) countFast(sent [][]byte, lost int) {
	if len(sent) > 0 {
		size := 0
		for _, p := range sent {
			size += len(p)
		}
		s.conn.count.sent.Add(uint64(len(sent)))
		s.conn.count.sentBytes.Add(uint64(size))
	}
	if lost > 0 {
		s.conn.count.noBuffers.Add(uint64(lost))
	}
}

// raw sends packets by the raw socket.
func (s *fastSender) raw(packets [][]byte) (int, error) {
	w := s.conn.takeWriter()
	defer s.conn.giveWriter(w)
	sent := 0
	denied := syscall.Errno(0)
	for len(packets) > 0 {
		chunk := packets[:min(len(packets), maxBatch)]
		packets = packets[len(chunk):]
		n, err := w.writeTo(s.peer, chunk)
		sent += n
		if w.denied != 0 {
			denied = w.denied
		}
		if err != nil {
			return sent, err
		}
	}
	s.path.WentRaw(denied)
	return sent, nil
}
