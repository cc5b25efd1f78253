package ppp

import "hash/fnv"

// sentPackets remembers the last packets of a protocol that were sent, since a reject must quote
// one of them (RFC 1661 sections 5.6 and 5.7): whoever did not see it cannot.
type sentPackets struct {
	sums [8]uint64 // of the first quotedLen bytes of each
	n    int
}

// quotedLen is how much of a packet is compared, bytes. It holds the header, the length and any
// option that no one can guess, such as a magic number, and a peer returns so much whatever its MRU
// is.
const quotedLen = 32

// quoteSum is a short name of the beginning of a packet.
func quoteSum(raw []byte) uint64 {
	h := fnv.New64a()
	h.Write(raw[:min(len(raw), quotedLen)])
	return h.Sum64()
}

// add remembers a packet, from its code on.
func (s *sentPackets) add(raw []byte) {
	s.sums[s.n%len(s.sums)] = quoteSum(raw)
	s.n++
}

// quotedBy reports whether the packet in a reject is one of ours, whole or cut off behind its first
// quotedLen bytes.
func (s *sentPackets) quotedBy(quoted []byte) bool {
	if len(quoted) < headerLen {
		return false
	}
	size := int(quoted[2])<<8 | int(quoted[3])
	if size < headerLen || len(quoted) < min(size, quotedLen) {
		return false
	}
	sum := quoteSum(quoted[:min(size, len(quoted))])
	for _, known := range s.sums[:min(s.n, len(s.sums))] {
		if known == sum {
			return true
		}
	}
	return false
}

// sentOf is what was sent of a control protocol, nil for any other.
func (l *Link) sentOf(proto uint16) *sentPackets {
	switch proto {
	case ProtoLCP:
		return &l.sent.lcp
	case ProtoCCP:
		return &l.sent.ccp
	case ProtoIPCP:
		return &l.sent.ipcp
	case ProtoIPV6CP:
		return &l.sent.ipv6cp
	case ProtoPAP, ProtoCHAP, ProtoEAP:
		return &l.sent.auth
	}
	return nil
}

// isOurs reports whether a reject quotes a packet of ours.
func (l *Link) isOurs(proto uint16, quoted []byte) bool {
	sent := l.sentOf(proto)
	return sent != nil && sent.quotedBy(quoted)
}
