package mppe

import "errors"

// The errors of a packet that does not decrypt, each with a counter in DecryptStats. They are
// values that cost nothing to return: whoever can reach the session can cause them.
var (
	// ErrTruncated: shorter than the MPPE header and one byte.
	ErrTruncated = errors.New("mppe: packet is shorter than the MPPE header and a protocol field")
	// ErrNotEncrypted: the D bit is 0 (RFC 3078 section 3.1).
	ErrNotEncrypted = errors.New("mppe: packet is not encrypted (bit D is 0)")
	// ErrNotFlushed: the A bit is 0 in stateless mode, where RFC 3078 section 3.1 wants it on every
	// packet.
	ErrNotFlushed = errors.New("mppe: packet without the FLUSHED bit in stateless mode; the peer seems to be in stateful mode")
	// ErrDuplicate: a packet with this index has been decrypted already.
	ErrDuplicate = errors.New("mppe: duplicate packet")
	// ErrLate: the packet is older than the keys that are kept.
	ErrLate = errors.New("mppe: packet is too late, its key is gone")
	// ErrImplausible: what came out is not what Config.Plausible accepts. A forged packet, a
	// damaged one, or a wrong key.
	ErrImplausible = errors.New("mppe: packet does not decrypt to anything plausible")
	// ErrOutOfRange: the packet claims to lie beyond the look-ahead; if it is true, the decrypter
	// is on its way there.
	ErrOutOfRange = errors.New("mppe: packet lies beyond the look-ahead")
	// ErrNeedReset: stateful mode has lost packets and wants a CCP Reset-Request; this packet is
	// discarded.
	ErrNeedReset = errors.New("mppe: packets were lost, waiting for a packet with the FLUSHED bit")
)
