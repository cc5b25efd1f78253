package session

import (
	"encoding/binary"
	"net/netip"

	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// What the window lets go leaves here, in its order, for the device.

// deliver takes what the window lets go, in its order.
func (in *inbound) deliver(p []byte) {
	if p[0] == holdsMPPE {
		var ok bool
		if p, ok = in.decryptLate(p); !ok {
			return
		}
	}
	ip := p[headroom:]
	if !in.mayEnter(ip) {
		putBuffer(p)
		return
	}
	netdev.ClampMSS(ip, in.mtu)
	in.stats.Packets++
	in.stats.Bytes += uint64(len(ip))
	if in.writer.add(p) {
		in.flush()
	}
}

// decryptLate decrypts a stateful packet whose turn has come, in place: the MPPE header at
// headroom-4, the plain packet at headroom-2.
func (in *inbound) decryptLate(p []byte) ([]byte, bool) {
	sealed := p[headroom-4:]
	plain, err := in.dec.Decrypt(sealed[2:2], sealed, binary.BigEndian.Uint32(p[seqAt:]))
	if err != nil {
		putBuffer(p)
		in.countDecryptError(err)
		if in.dec.NeedReset() {
			in.needReset.Store(true)
		}
		return nil, false
	}
	in.proven(binary.BigEndian.Uint32(p[seqAt:]), familyIn(plain))
	b := (*buffer)(p[:bufferSize])
	n, ok := in.unwrap(b, len(plain))
	if !ok {
		putBuffer(p)
		return nil, false
	}
	return b[:headroom+n], true
}

// mayEnter judges the IP packet itself: its version was negotiated, it holds a header of that
// version, and on a server its source is the address the peer was given.
func (in *inbound) mayEnter(ip []byte) bool {
	if !in.up {
		in.stats.NotUp++
		return false
	}
	switch v := ippkt.Version(ip); {
	case v == 4 && in.ipv4:
		return in.mayComeFrom(ippkt.IPv4(ip).Source(), in.source)
	case v == 6 && in.ipv6:
		if isRouterMessage(ip) {
			in.stats.RouterMessages++
			return false
		}
		return in.mayComeFrom(ippkt.IPv6(ip).Source(), in.source6)
	}
	in.stats.Malformed++
	return false
}

// mayComeFrom compares a source address with the one the peer has; one without an address sends
// from none.
func (in *inbound) mayComeFrom(source, given netip.Addr) bool {
	if in.check && source != given {
		in.stats.Spoofed++
		return false
	}
	return true
}

// flush writes what was delivered to the device.
func (in *inbound) flush() {
	if in.writer.flush(in.dev) != nil {
		in.stats.DeviceErrors++
	}
}
