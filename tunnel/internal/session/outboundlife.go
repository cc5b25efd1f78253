package session

import (
	"github.com/arc4tun/arc4tun/mppe"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// The life of the way out, on the session's own goroutine.

// install puts keys in place of those there were. From here on nothing leaves in clear.
func (o *outbound) install(enc *mppe.Encrypter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.enc != nil {
		o.enc.Wipe()
	}
	o.enc, o.mustEnc = enc, true
}

// wipe overwrites the keys.
func (o *outbound) wipe() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.enc != nil {
		o.enc.Wipe()
	}
}

// reset has a stateful encrypter begin anew, as the peer has asked (RFC 3078 section 7.2).
func (o *outbound) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.enc != nil {
		o.enc.Reset()
	}
}

// overhead is what encryption adds to an IP packet, in bytes.
func (o *outbound) overhead() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.enc != nil {
		return MPPEOverhead
	}
	return 0
}

// open lets IP packets leave.
func (o *outbound) open(n ppp.NetworkUp, mtu int) {
	o.mu.Lock()
	o.up, o.mtu, o.bare = true, mtu, n.ACFC
	o.ipv4, o.ipv6 = n.Local.IsValid(), n.LocalIPv6.IsValid()
	o.mu.Unlock()
	o.to.Established()
}

// shut stops IP packets.
func (o *outbound) shut() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.up = false
}
