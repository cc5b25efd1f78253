package segments

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

// Splitter takes apart what the kernel hands over as one large TCP segment. It has the kernel write
// each segment's data to where it will lie, by guessing that headers and data are as long as they
// were the last time; where they are not, they are moved. The zero value is ready; it is not safe
// for concurrent use.
type Splitter struct {
	head, size int // the guess
	plain      int // packets in a row that were not large
	scattered  bool
	parts      [][]byte
	whole      []byte // where a large segment is put together that was guessed wrong
}

// ErrTooManySegments says that a large segment had more parts than there were buffers; the first
// ones are there.
var ErrTooManySegments = errors.New("a large segment has more parts than there are buffers")

const (
	// maxPlain is after how many packets in a row that were not large none is expected.
	maxPlain = 4
	// minScattered is how long data must be to be guessed: the first part then has the headers
	// whole, however long they are.
	minScattered = 256
)

// Parts gives where the next packet is to be read to, its virtio header first. The buffers have
// HeaderLen bytes before offset; the first and the last are large enough for any packet.
func (s *Splitter) Parts(bufs [][]byte, offset int) [][]byte {
	first := bufs[0][offset-HeaderLen:]
	s.scattered = s.size >= minScattered && s.plain < maxPlain && len(bufs) > 1
	if !s.scattered {
		s.parts = append(s.parts[:0], first)
		return s.parts
	}
	s.parts = append(s.parts[:0], first[:HeaderLen+s.head+s.size])
	room := maxSize - s.head - s.size
	for _, b := range bufs[1 : len(bufs)-1] {
		if room <= 0 {
			return s.parts
		}
		s.parts = append(s.parts, b[offset+s.head:][:s.size])
		room -= s.size
	}
	if room > 0 {
		s.parts = append(s.parts, bufs[len(bufs)-1][offset+s.head:])
	}
	return s.parts
}

// Split makes packets of what was read, n bytes with the virtio header, into the Parts of the same
// buffers: packet i is bufs[i][offset:offset+sizes[i]]. It completes checksums.
func (s *Splitter) Split(n int, bufs [][]byte, sizes []int, offset int) (int, error) {
	if n -= HeaderLen; n <= 0 || n > len(bufs[0])-offset {
		return 0, fmt.Errorf("%d bytes came from the device: must be a virtio header and up to %d of a packet", n+HeaderLen, len(bufs[0])-offset)
	}
	var h virtioHeader
	h.parse(bufs[0][offset-HeaderLen:])
	if h.kind&^kindECN == kindNone {
		s.plain = min(s.plain+1, maxPlain)
		p := s.gather(n, bufs, offset)
		sizes[0] = n
		return 1, complete(p, &h)
	}
	s.plain = 0
	return s.split(n, &h, bufs, sizes, offset)
}

// gather gives the packet as one piece, in the first buffer.
func (s *Splitter) gather(n int, bufs [][]byte, offset int) []byte {
	p := bufs[0][offset:][:n]
	if !s.scattered || n <= s.head+s.size {
		return p
	}
	s.assemble(n)
	copy(p, s.whole)
	return p
}

// assemble puts the parts that were read together.
func (s *Splitter) assemble(n int) {
	if s.whole == nil {
		s.whole = make([]byte, 0, maxSize)
	}
	s.whole = s.whole[:0]
	for i, part := range s.parts {
		if i == 0 {
			part = part[HeaderLen:]
		}
		s.whole = append(s.whole, part[:min(len(part), n-len(s.whole))]...)
	}
}

// complete writes the checksum of a packet that is not large, if the kernel has left it to the
// device (CHECKSUM_PARTIAL).
func complete(p []byte, h *virtioHeader) error {
	if h.flags&needsChecksum == 0 {
		return nil
	}
	at := h.checksumFrom + h.checksumAfter
	if at+2 > len(p) {
		return fmt.Errorf("a checksum at %d of a packet of %d bytes", at, len(p))
	}
	// What stands there is the sum of the pseudo-header.
	sum := ^ippkt.Fold(ippkt.Sum(0, p[h.checksumFrom:]))
	if sum == 0 {
		sum = 0xFFFF // the same number; 0 is no checksum to UDP
	}
	binary.BigEndian.PutUint16(p[at:], sum)
	return nil
}

// large is a segment that is to be taken apart.
type large struct {
	ip, head, size int // the lengths of the IP header, of both headers and of a segment's data
	first          []byte
	ipSum, tcpSum  uint32 // over the headers, without what differs from one segment to the next
	seq            uint32
	id             uint16
	flags          byte
}

// split takes apart a large segment.
func (s *Splitter) split(n int, h *virtioHeader, bufs [][]byte, sizes []int, offset int) (int, error) {
	var l large
	first := bufs[0][offset:]
	if s.scattered {
		first = first[:s.head+s.size]
	}
	if err := l.parse(first[:min(n, len(first))], n, h); err != nil {
		return 0, err
	}
	inPlace := s.scattered && s.head == l.head && s.size == l.size
	data := bufs[0][offset:][:n]
	if s.scattered && !inPlace {
		s.assemble(n)
		data = s.whole
	}
	s.head, s.size = l.head, l.size
	for i, at := 0, l.head; at < n; i, at = i+1, at+l.size {
		if i == len(bufs) {
			return i, ErrTooManySegments
		}
		size := min(l.size, n-at)
		p := bufs[i][offset:][:l.head+size]
		if i > 0 {
			copy(p, l.first)
		}
		if !inPlace && (i > 0 || s.scattered) {
			copy(p[l.head:], data[at:at+size])
		}
		sizes[i] = len(p)
		l.put(p, i, at+size == n)
	}
	return (n - l.head + l.size - 1) / l.size, nil
}

// parse reads the headers of a large segment of n bytes, of which p is the beginning.
func (l *large) parse(p []byte, n int, h *virtioHeader) error {
	version := ippkt.Version(p)
	l.ip, l.size = h.checksumFrom, h.size
	switch kind := h.kind &^ kindECN; {
	case kind == kindTCP4 && version == 4 && l.ip == ippkt.IPv4(p).HeaderLen() && l.ip >= ippkt.IPv4Len:
	case kind == kindTCP6 && version == 6 && l.ip >= ippkt.IPv6Len:
	default:
		return fmt.Errorf("a large segment of kind %d, IP version %d and a header of %d bytes: none that was asked for", h.kind, version, l.ip)
	}
	if len(p) < l.ip+ippkt.TCPLen || h.checksumAfter != tcpChecksum || l.size == 0 {
		return fmt.Errorf("a large segment of %d bytes, to be cut every %d: no TCP header at %d", n, l.size, l.ip)
	}
	// The header's own number may be the length of the whole first packet, where it is forwarded.
	l.head = l.ip + int(p[l.ip+tcpOffset]>>4)*4
	if l.head < l.ip+ippkt.TCPLen || l.head >= n || l.head > len(p) {
		return fmt.Errorf("a large segment of %d bytes: its headers take %d", n, l.head)
	}
	// A segment may be asked for that is longer than all there is.
	l.size = min(l.size, n-l.head)
	l.sum(p, version)
	return nil
}

// sum takes down what all segments have in common. It clears what differs in the headers of p.
func (l *large) sum(p []byte, version int) {
	tcp := p[l.ip:l.head]
	l.seq, l.flags = binary.BigEndian.Uint32(tcp[tcpSequence:]), tcp[tcpFlags]
	if version == 4 {
		l.id = binary.BigEndian.Uint16(p[4:])
		clear(p[2:6])
		p[10], p[11] = 0, 0
		l.ipSum = ippkt.Sum(0, p[:l.ip])
		l.tcpSum = ippkt.Sum(ippkt.TCP, p[12:20])
	} else {
		clear(p[4:6])
		l.tcpSum = ippkt.Sum(ippkt.TCP, p[8:40])
	}
	tcp[tcpChecksum], tcp[tcpChecksum+1] = 0, 0
	l.first = p[:l.head]
}

// put completes the headers of segment i.
func (l *large) put(p []byte, i int, last bool) {
	if p[0]>>4 == 4 {
		id := l.id + uint16(i)
		binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
		binary.BigEndian.PutUint16(p[4:], id)
		binary.BigEndian.PutUint16(p[10:], ^ippkt.Fold(l.ipSum+uint32(len(p))+uint32(id)))
	} else {
		binary.BigEndian.PutUint16(p[4:], uint16(len(p)-ippkt.IPv6Len))
	}
	tcp := p[l.ip:]
	binary.BigEndian.PutUint32(tcp[tcpSequence:], l.seq+uint32(i*l.size))
	tcp[tcpFlags] = l.flags
	if !last {
		tcp[tcpFlags] &^= ippkt.FlagFIN | ippkt.FlagPSH
	}
	binary.BigEndian.PutUint16(tcp[tcpChecksum:], 0)
	binary.BigEndian.PutUint16(tcp[tcpChecksum:], ^ippkt.Fold(ippkt.Sum(l.tcpSum+uint32(len(p)-l.ip), tcp)))
}
