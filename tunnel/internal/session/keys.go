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
