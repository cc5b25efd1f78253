package ppp

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// lcpOptionWords names an option of LCP as pppd does; "" where it has no words, or not the length
// that it should have (RFC 1661 section 6, RFC 1662 section 7, RFC 1570 section 2.3, RFC 1990
// section 5.1, RFC 2125 section 4).
func lcpOptionWords(o option) string {
	v := o.value
	switch {
	case o.typ == lcpOptMRU && len(v) == 2:
		return fmt.Sprintf("mru %d", binary.BigEndian.Uint16(v))
	case o.typ == lcpOptACCM && len(v) == 4:
		return fmt.Sprintf("asyncmap 0x%x", binary.BigEndian.Uint32(v))
	case o.typ == lcpOptAuth && len(v) >= 2:
		return authOptionWords(v)
	case o.typ == 4 && len(v) == 6 && binary.BigEndian.Uint16(v) == 0xC025:
		return fmt.Sprintf("quality lqr 0x%x", binary.BigEndian.Uint32(v[2:]))
	case o.typ == 4 && len(v) >= 2:
		return fmt.Sprintf("quality 0x%x", binary.BigEndian.Uint16(v))
	case o.typ == lcpOptMagic && len(v) == 4:
		return fmt.Sprintf("magic 0x%x", binary.BigEndian.Uint32(v))
	case o.typ == lcpOptPFC && len(v) == 0:
		return "pcomp"
	case o.typ == lcpOptACFC && len(v) == 0:
		return "accomp"
	case o.typ == 13 && len(v) >= 1:
		return callbackWords(v)
	case o.typ == 17 && len(v) == 2:
		return fmt.Sprintf("mrru %d", binary.BigEndian.Uint16(v))
	case o.typ == 18 && len(v) == 0:
		return "ssnhf"
	case o.typ == 19 && len(v) >= 1:
		return "endpoint " + endpointWords(v[0], v[1:])
	case o.typ == 23 && len(v) == 2:
		return fmt.Sprintf("linkdisc 0x%x", binary.BigEndian.Uint16(v))
	}
	return ""
}

// authOptionWords is a way to authenticate. What follows its number is a CHAP algorithm, which is
// no secret.
func authOptionWords(v []byte) string {
	proto := binary.BigEndian.Uint16(v)
	switch {
	case proto == ProtoCHAP && len(v) == 3:
		switch v[2] {
		case chapAlgorithmMD5:
			return "auth chap MD5"
		case chapAlgorithmMSCHAPv1:
			return "auth chap MS"
		case chapAlgorithmMSCHAPv2:
			return "auth chap MS-v2"
		}
		return fmt.Sprintf("auth chap 0x%x", v[2])
	case proto == ProtoPAP && len(v) == 2:
		return "auth pap"
	case proto == ProtoEAP && len(v) == 2:
		return "auth eap"
	}
	return fmt.Sprintf("auth 0x%x%s", proto, hexWords(" ", v[2:]))
}

// callbackWords is how the peer wants to be called back; 6 leaves that to CBCP.
func callbackWords(v []byte) string {
	if v[0] == 6 {
		return "callback CBCP"
	}
	return fmt.Sprintf("callback 0x%x%s", v[0], hexWords(" ", v[1:]))
}

// endpointWords is the name of a peer for multilink, by the class of name.
func endpointWords(class byte, v []byte) string {
	switch {
	case class == 0 && len(v) == 0:
		return "[null]"
	case class == 2 && len(v) == 4:
		return fmt.Sprintf("[IP:%s]", netip.AddrFrom4([4]byte(v)))
	case class == 3 && len(v) == 6:
		return fmt.Sprintf("[MAC:%s]", net.HardwareAddr(v))
	case class == 1:
		return fmt.Sprintf("[local:%x]", v[:min(len(v), maxHexWords)])
	case class == 4:
		return fmt.Sprintf("[magic:%x]", v[:min(len(v), maxHexWords)])
	}
	return fmt.Sprintf("[%d:%x]", class, v[:min(len(v), maxHexWords)])
}

// ccpOptionWords names an option of CCP (RFC 3078 section 2, RFC 1962 section 4).
func ccpOptionWords(o option) string {
	v := o.value
	switch {
	case o.typ == ccpOptMPPE && len(v) == 4:
		return mppeOptionWords(binary.BigEndian.Uint32(v))
	case o.typ == 1 && len(v) == 0:
		return "predictor 1"
	case o.typ == 2 && len(v) == 0:
		return "predictor 2"
	case o.typ == 21 && len(v) == 1: // RFC 1977
		return fmt.Sprintf("bsd v%d %d", v[0]>>5, v[0]&31)
	case (o.typ == 24 || o.typ == 26) && len(v) == 2: // RFC 1979; 24 is what some had before
		old := ""
		if o.typ == 24 {
			old = "(old#)"
		}
		return fmt.Sprintf("deflate%s %d", old, v[0]>>4+8)
	case o.typ == 17 && len(v) == 3: // RFC 1974
		return fmt.Sprintf("lzs %d %d", binary.BigEndian.Uint16(v), v[2])
	}
	return ""
}

// mppeOptionWords shows the supported bits one by one: stateless, 56, 128 and 40 bits, obsolete,
// and MPPC.
func mppeOptionWords(bits uint32) string {
	var s strings.Builder
	s.WriteString("mppe")
	for _, b := range []struct {
		bit  uint32
		name string
	}{{mppeStateless, "H"}, {mppe56, "M"}, {mppe128, "S"}, {mppe40, "L"}, {mppeObsolete, "D"}, {mppeMPPC, "C"}} {
		sign := "-"
		if bits&b.bit != 0 {
			sign = "+"
		}
		s.WriteString(" " + sign + b.name)
	}
	if other := bits &^ (mppeStateless | mppeStrengths | mppeObsolete | mppeMPPC); other != 0 {
		fmt.Fprintf(&s, " +0x%x", other)
	}
	return s.String()
}

// ipcpOptionWords names an option of IPCP (RFC 1332 section 3, RFC 1877 section 1).
func ipcpOptionWords(o option) string {
	v := o.value
	addr := func(b []byte) netip.Addr { return netip.AddrFrom4([4]byte(b)) }
	switch {
	case o.typ == ipcpOptAddresses && len(v) == 8:
		return fmt.Sprintf("addrs %s %s", addr(v[:4]), addr(v[4:]))
	case o.typ == 2 && len(v) >= 2 && binary.BigEndian.Uint16(v) == 0x2D:
		return "compress VJ" + hexWords(" ", v[2:])
	case o.typ == 2 && len(v) >= 2:
		return fmt.Sprintf("compress 0x%x%s", binary.BigEndian.Uint16(v), hexWords(" ", v[2:]))
	case len(v) != 4:
		return ""
	}
	switch o.typ {
	case ipcpOptAddress:
		return "addr " + addr(v).String()
	case ipcpOptDNS1:
		return "ms-dns1 " + addr(v).String()
	case ipcpOptDNS2:
		return "ms-dns2 " + addr(v).String()
	case ipcpOptNBNS1:
		return "ms-wins1 " + addr(v).String()
	case ipcpOptNBNS2:
		return "ms-wins2 " + addr(v).String()
	}
	return ""
}

// ipv6cpOptionWords names an option of IPV6CP (RFC 5072 section 4).
func ipv6cpOptionWords(o option) string {
	v := o.value
	switch {
	case o.typ == ipv6cpOptInterfaceID && len(v) == 8:
		return "addr " + LinkLocal([8]byte(v)).String()
	case o.typ == 2 && len(v) >= 2:
		return fmt.Sprintf("compress 0x%x%s", binary.BigEndian.Uint16(v), hexWords(" ", v[2:]))
	}
	return ""
}
