package tunnel

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/arc4tun/arc4tun/internal/ippkt"
)

// clientLoop knows a client's packets by where they go: GRE to the server, and TCP to the port of
// its control connection.
type clientLoop struct {
	server atomic.Uint64 // its outer address in the upper 32 bits, its port in the lower 16; 0: none yet
}

// set says which server is called.
func (c *clientLoop) set(server netip.AddrPort) {
	if a := server.Addr().Unmap(); a.Is4() {
		b := a.As4()
		c.server.Store(uint64(binary.BigEndian.Uint32(b[:]))<<32 | uint64(server.Port()))
	}
}

func (c *clientLoop) Loops(ip []byte) bool {
	v := c.server.Load()
	if v == 0 || ippkt.Version(ip) != 4 || binary.BigEndian.Uint32(ip[16:]) != uint32(v>>32) {
		return false
	}
	switch ippkt.IPv4(ip).Protocol() {
	case ippkt.GRE:
		return true
	case ippkt.TCP:
		_, to, ok := tcpPorts(ip)
		return ok && to == uint16(v)
	}
	return false
}

// tcpPorts gives the ports of a TCP packet that is no later fragment.
func tcpPorts(ip []byte) (from, to uint16, ok bool) {
	const ports = 4 // bytes of both
	at := ippkt.IPv4(ip).HeaderLen()
	if at < ippkt.IPv4Len || len(ip) < at+ports || ippkt.IPv4(ip).Fragment()&ippkt.FragmentOffset != 0 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint16(ip[at:]), binary.BigEndian.Uint16(ip[at+2:]), true
}

// serverLoop knows a server's packets by both ends: GRE, and TCP from the port of the control
// connections, from an address that clients call to one that has called it. Such a packet comes out
// of the device when a client's tunnel address is its outer one, or the pool has an address that is
// some client's outer one.
type serverLoop struct {
	ports []uint16 // of the control connections, before there is one

	mu    sync.RWMutex
	calls map[[2][4]byte]int // control connections by our address and the client's
}

// add notes a control connection, until the function it returns is called.
func (s *serverLoop) add(local, peer netip.Addr) (remove func()) {
	if !local.Is4() || !peer.Is4() {
		return func() {}
	}
	key := [2][4]byte{local.As4(), peer.As4()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls == nil {
		s.calls = make(map[[2][4]byte]int)
	}
	s.calls[key]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.calls[key]--; s.calls[key] == 0 {
			delete(s.calls, key)
		}
	}
}

func (s *serverLoop) Loops(ip []byte) bool {
	if ippkt.Version(ip) != 4 {
		return false
	}
	switch ippkt.IPv4(ip).Protocol() {
	case ippkt.GRE:
	case ippkt.TCP:
		if from, _, ok := tcpPorts(ip); !ok || !slices.Contains(s.ports, from) {
			return false
		}
	default:
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.calls[[2][4]byte{[4]byte(ip[12:16]), [4]byte(ip[16:20])}] > 0
}
