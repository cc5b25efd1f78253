package session

import (
	"github.com/arc4tun/arc4tun/mppe"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// encrypt installs the keys of both directions. From here on nothing passes in clear.
func (s *Session) encrypt(e ppp.EncryptionUp) error {
	reserve := s.cfg.Shared.reserves.grant(s)
	enc, err := mppe.NewEncrypter(mppe.Config{
		Key: e.Send.Key, Strength: e.Send.Strength, Stateless: e.Send.Stateless,
		Backend: s.cfg.Backend, LinuxReset: s.cfg.LinuxReset, Reserve: reserve,
	})
	if err != nil {
		return err
	}
	dec, err := mppe.NewDecrypter(mppe.Config{
		Key: e.Recv.Key, Strength: e.Recv.Strength, Stateless: e.Recv.Stateless,
		Backend: s.cfg.Backend, LinuxReset: s.cfg.LinuxReset, Plausible: mppe.PlausiblePPP(true, s.cfg.IPv6),
		History: s.cfg.Reorder.Size, Reserve: reserve,
	})
	if err != nil {
		return err
	}
	s.cfg.Shared.reserves.add(s, enc.Reserve(), dec.Reserve())
	s.out.install(enc)
	s.in.install(dec, e.Recv.Stateless)
	s.setState(func(st *sessionState) { st.strength, st.stateless = e.Recv.Strength, e.Recv.Stateless })
	s.log.Info("encrypted", "mppe", e.Recv.Strength, "stateless", e.Recv.Stateless, "backend", s.cfg.Backend.Name())
	return nil
}

// forgetKeys overwrites the keys of a session that has ended. What is left of it are its counters.
func (s *Session) forgetKeys() {
	s.out.wipe()
	s.in.wipe()
}

// undecryptable is how many packets, of which none decrypts, show that the keys differ.
const undecryptable = 32

// checkKeys says once that nothing of the peer's decrypts, for the link is up and shows no other
// sign of it. It ends nothing: anyone can forge such packets.
func (s *Session) checkKeys() {
	if !s.keysWarned && s.in.decryptsNothing() {
		s.keysWarned = true
		s.log.Warn("no packet of the peer deciphers: the two ends have different keys, or somebody forges packets")
	}
}

// decryptsNothing reports whether so many packets came, and none decrypted, that the two ends must
// have different keys.
func (in *inbound) decryptsNothing() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.dec != nil && in.stats.Undecryptable >= undecryptable && in.dec.Stats().Packets == 0
}
