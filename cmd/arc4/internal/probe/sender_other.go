//go:build !linux

package probe

import (
	"errors"
	"net/netip"

	"github.com/arc4tun/arc4tun/tunnel/gre"
)

// sender sends by the socket that receives.
type sender struct {
	conn gre.Conn
	to   netip.Addr
}

func newSender(_, peer netip.Addr, conn gre.Conn) (*sender, error) { return &sender{conn, peer}, nil }

func (s *sender) canProbe() bool { return false }

func (s *sender) send(packet []byte, _ bool) error {
	n, err := s.conn.WriteBatch([]gre.Packet{{Addr: s.to, Data: packet}})
	if err == nil && n == 0 {
		return errors.New("the system does not take the packet")
	}
	return err
}

func (s *sender) trouble() (string, int) { return "", 0 }
func (s *sender) close()                 {}

// arrivals counts nothing on this system.
type arrivals struct{}

func countArrivals(netip.Addr) (*arrivals, error) { return nil, nil }
func (*arrivals) count() int                      { return 0 }
func (*arrivals) close()                          {}
