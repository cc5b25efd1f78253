package ppp

import "net/netip"

// IPCP options for name servers (RFC 1877 sections 1.1 to 1.4).
const (
	ipcpOptDNS1  = 129
	ipcpOptNBNS1 = 130
	ipcpOptDNS2  = 131
	ipcpOptNBNS2 = 132
)

// isNameServer reports whether an option is one of the four.
func isNameServer(typ byte) bool { return typ >= ipcpOptDNS1 && typ <= ipcpOptNBNS2 }

// nameServers is the four of them: those a client asks for and gets, or those a
// server offers.
type nameServers struct {
	server bool
	addr   [4]netip.Addr // by type; not valid: not asked for, or not offered
}

// begin fills in what the configuration asks for or offers.
func (n *nameServers) begin(cfg *Config) {
	*n = nameServers{server: cfg.Server}
	if cfg.Server {
		for i, a := range cfg.DNS {
			n.addr[2*i] = a
		}
		for i, a := range cfg.NBNS {
			n.addr[2*i+1] = a
		}
		return
	}
	if cfg.RequestDNS {
		n.addr[0], n.addr[2] = netip.IPv4Unspecified(), netip.IPv4Unspecified()
	}
}

// appendRequest appends a client's options.
func (n *nameServers) appendRequest(dst []byte) []byte {
	if n.server {
		return dst
	}
	for i, a := range n.addr {
		if a.IsValid() {
			dst = appendOption(dst, byte(ipcpOptDNS1+i), a.AsSlice())
		}
	}
	return dst
}

// answer tells a client the server it asks for, or that there is none.
func (n *nameServers) answer(o option, v *verdict) {
	have := n.addr[o.typ-ipcpOptDNS1]
	if !have.IsValid() {
		v.reject(o)
		return
	}
	if a, ok := addrValue(o); !ok || a != have {
		v.nak(o, have.AsSlice())
	}
}

// naked takes the server's suggestion, for what was asked for.
func (n *nameServers) naked(typ byte, a netip.Addr) {
	if slot := &n.addr[typ-ipcpOptDNS1]; !n.server && slot.IsValid() {
		*slot = a
	}
}

// rejected stops asking for one.
func (n *nameServers) rejected(typ byte) {
	if isNameServer(typ) {
		n.addr[typ-ipcpOptDNS1] = netip.Addr{}
	}
}

// agreed lists the DNS servers that a client has got or a server offers, in order, each once.
func (n *nameServers) agreed() (dns []netip.Addr) {
	first, second := n.addr[0], n.addr[2]
	if first.IsValid() && !first.IsUnspecified() {
		dns = append(dns, first)
	}
	if second.IsValid() && !second.IsUnspecified() && second != first {
		dns = append(dns, second)
	}
	return dns
}
