package mppe

import (
	"fmt"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/mppe/internal/keyhash"
)

// Config has what CCP negotiated and the key that authentication gave, for one direction of a
// session. The other one has a Config of its own: the Key differs, and so may the rest.
type Config struct {
	// Key is the start key of this direction (RFC 3079: MasterSendKey or MasterReceiveKey): 16
	// bytes for 128 bits, 8 bytes for 56 and 40. It is copied.
	Key []byte
	// Strength is 40, 56 or 128 bits.
	Strength int
	// Stateless changes the key before every packet (the H bit of RFC 3078 section 2).
	Stateless bool
	// Backend does the RC4; nil is the one that arc4 selects for this machine.
	Backend *arc4.Backend
	// LinuxReset, in stateful mode, changes the key on a packet with the FLUSHED bit, as the Linux
	// kernel's ppp_mppe does in both directions, instead of re-initialising the tables with the
	// current key (RFC 3078 section 8.2).
	LinuxReset bool
	// Plausible judges what a packet decrypted to; a Decrypter must have one, an Encrypter does not
	// ask. plain is the PPP protocol field and the payload, at its full length, of which only the
	// first PlausiblePrefix bytes are decrypted yet; what follows is unspecified. A packet that it
	// refuses has moved nothing. See PlausiblePPP.
	Plausible func(plain []byte) bool
	// History is for how many packets behind the furthest one keys are kept (Decrypter only, in
	// stateless mode), at least 2,048, at most 2^20; 0 is 2,048. More than the coherency count can
	// tell apart are told apart by the sequence number. A gap holds 16 bytes a packet.
	History int
	// Reserve is for how many packets keys and keystream are to be made before they come, in
	// stateless mode; 0 is none. See Encrypter.Reserve and Decrypter.Reserve for who makes them,
	// and ReserveBytes for the memory that it takes.
	Reserve int
}

// PlausiblePrefix is how many bytes of a packet are decrypted when Config.Plausible sees it: a PPP
// protocol field and the longest IPv4 header.
const PlausiblePrefix = 64

// newKeyChanger checks the Config and gives the key changer and the initial session key (RFC 3079:
// GetNewKeyFromSHA of the start key with itself, then the salt).
func newKeyChanger(cfg Config) (*keyChanger, key, error) {
	n, err := keyLength(cfg.Strength)
	if err != nil {
		return nil, key{}, err
	}
	if len(cfg.Key) != n {
		return nil, key{}, fmt.Errorf("mppe: start key of %d bytes: %d bits want %d bytes", len(cfg.Key), cfg.Strength, n)
	}
	backend := cfg.Backend
	if backend == nil {
		if backend, err = arc4.Lookup(""); err != nil {
			return nil, key{}, fmt.Errorf("mppe: no RC4 backend: %w", err)
		}
	}
	cipher, err := backend.For(arc4.Packet).New(cfg.Key)
	if err != nil {
		return nil, key{}, fmt.Errorf("mppe: RC4 backend %s: %w", backend.Name(), err)
	}
	hash, err := keyhash.New(cfg.Key)
	if err != nil {
		return nil, key{}, err
	}
	c := &keyChanger{
		backend: backend.For(arc4.Stream), packets: backend.For(arc4.Packets),
		rc4: cipher, hash: hash, length: n, strength: cfg.Strength,
	}
	return c, c.initial(cfg.Key), nil
}
