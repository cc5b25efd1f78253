package capture

import (
	"net/netip"

	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/tunnel/gre"
)

var _ gre.Recorder = (*Capture)(nil)

// RecordGRE is gre.Recorder's.
func (c *Capture) RecordGRE(local, peer netip.Addr, sent bool, ip, packet []byte) {
	var header [ippkt.IPv4Len]byte
	if ip == nil {
		local, peer = local.Unmap(), peer.Unmap()
		if !local.Is4() || !peer.Is4() {
			return
		}
		from, to := local, peer
		if !sent {
			from, to = peer, local
		}
		putIPv4(header[:], from, to, ippkt.GRE, len(packet))
		ip = header[:]
	}
	c.add(onGRE, sent, c.cfg.now(), ip, packet)
}
