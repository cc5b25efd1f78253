package cmdline

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel"
)

// Limits of DNS names (RFC 1035 section 2.3.4), in bytes.
const (
	longestName  = 253
	longestLabel = 63
)

// SplitUser takes the user out of USER@SERVER, as ssh has it: what is before the last @, for names
// may have one too.
func SplitUser(arg string) (user, server string, given bool) {
	at := strings.LastIndexByte(arg, '@')
	if at < 0 {
		return "", arg, false
	}
	return arg[:at], arg[at+1:], true
}

// ParseServer reads SERVER[:PORT] and gives HOST:PORT, so that what cannot be a server is a mistake
// in the command line and not one of the network. PPTP runs over IPv4 alone, so that a colon stands
// before a port or is one of IPv6.
func ParseServer(arg string) (string, error) {
	const form = "give HOST or HOST:PORT, such as vpn.example.net or 192.0.2.1:1723"
	if scheme, rest, found := strings.Cut(arg, "://"); found {
		return "", exit.Usagef("server %q: leave %q out: give %s", arg, scheme+"://", strings.TrimRight(rest, "/"))
	}
	host, port, hasPort := strings.Cut(arg, ":")
	inner := strings.TrimPrefix(strings.SplitN(arg, "]", 2)[0], "[")
	for _, text := range []string{arg, inner} {
		if a, err := netip.ParseAddr(text); err == nil && a.Is6() {
			return "", exit.Usagef("server %q: is an IPv6 address, and PPTP runs over IPv4 only: give the server's IPv4 address or its name", arg)
		}
	}
	switch {
	case strings.ContainsAny(arg, "[]"):
		return "", exit.Usagef("server %q: leave the brackets out: %s", arg, form)
	case strings.Contains(port, ":"):
		return "", exit.Usagef("server %q: has more than one colon: %s", arg, form)
	case host == "" && hasPort:
		return "", exit.Usagef("server %q: no host before the port: %s", arg, form)
	case host == "":
		return "", exit.Usagef("no server: SERVER is empty: %s", form)
	}
	if reason := badHost(host); reason != "" {
		return "", exit.Usagef("server %q: %s: %s", arg, reason, form)
	}
	if !hasPort {
		port = strconv.Itoa(tunnel.Port)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", exit.Usagef("server %q: no such port as %q: give 1 to 65535, or leave it out for %d", arg, port, tunnel.Port)
	}
	return net.JoinHostPort(host, port), nil
}

// badHost says why a host is neither an IPv4 address nor a name, or is an address that no server
// has; empty if all is well. Whether the name exists, only the network knows.
func badHost(host string) string {
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" && last != "" {
		// No name ends in a number, and other programs take such for addresses (RFC 1123 section
		// 2.1).
		a, err := netip.ParseAddr(host)
		switch {
		case err != nil:
			return "is no IPv4 address"
		case a.IsUnspecified() || a.IsMulticast() || a.As4()[0] >= 240:
			return "is an address that no server can have"
		}
		return ""
	}
	if len(host) > longestName {
		return "the name is longer than the " + strconv.Itoa(longestName) + " bytes that DNS allows"
	}
	for _, label := range labels {
		if label == "" || len(label) > longestLabel {
			return "a name's parts have 1 to " + strconv.Itoa(longestLabel) + " characters"
		}
	}
	for _, r := range host {
		switch {
		case r >= 0x80:
			return "write the name in its ASCII form, which begins with xn--"
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-_.", r):
		default:
			return "a name cannot have " + strconv.QuoteRune(r) + " in it"
		}
	}
	return ""
}
