package diagnosis

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel"
)

func list(addresses []netip.Addr) string {
	words := make([]string, len(addresses))
	for i, a := range addresses {
		words[i] = a.String()
	}
	return strings.Join(words, ", ")
}

func judgeName(f *Facts) Verdict {
	l := &f.Lookup
	asked := ""
	if len(l.Asked) > 0 {
		asked = ", says " + l.Asked[len(l.Asked)-1].String()
	}
	var dns *net.DNSError
	switch {
	case l.Err == nil && len(l.Found) == 1 && l.Found[0].String() == l.Host:
		return ok("%s is an address", l.Host)
	case l.Err == nil && len(l.Found) > 0:
		return ok("%s is %s%s", l.Host, list(l.Found), asked)
	case errors.As(l.Err, &dns) && dns.IsNotFound:
		return fail(tunnel.ClassNetwork, "is the name written as the server's operator writes it? PPTP needs an IPv4 address: an A record", "%s: no such host%s", l.Host, asked)
	case len(l.Asked) > 0:
		return fail(tunnel.ClassNetwork, "name servers are in /etc/resolv.conf: are they reached? dig @"+l.Asked[0].String()+" "+l.Host, "%s cannot be looked up: %s; asked: %s", l.Host, reason(l.Err), list(l.Asked))
	}
	return fail(tunnel.ClassNetwork, "name servers are in /etc/resolv.conf; or give the server's address instead of its name", "%s cannot be looked up: %s", l.Host, reason(l.Err))
}

// reason is what an error says without the operation and the address, which stand elsewhere.
func reason(err error) string {
	var dns *net.DNSError
	var errno syscall.Errno
	switch {
	case err == nil:
		return "no answer"
	case errors.As(err, &dns):
		return dns.Err
	case errors.As(err, &errno):
		return errno.Error()
	}
	return err.Error()
}

func judgeRoute(f *Facts) Verdict {
	r := &f.Route
	switch {
	case r.Unknown:
		return skipped("this system is not asked")
	case r.Err == nil && r.Interface == "":
		return skipped("not tried")
	case r.Err != nil:
		return fail(tunnel.ClassNetwork, "is the interface up, and is there a default route? ip route get SERVER", "no route: %s", reason(r.Err))
	}
	hop := "on the link"
	if r.NextHop.IsValid() {
		hop = "next hop " + r.NextHop.String()
	}
	v := ok("by %s from %v, %s, MTU %d", r.Interface, r.Source, hop, r.MTU)
	if most := r.MTU - overhead; most < f.Policy.MTU {
		v.State = Warn
		v.Text += fmt.Sprintf(": a packet of %d bytes in the tunnel goes in fragments", f.Policy.MTU)
		v.Remedy = fmt.Sprintf("--mtu %d", most)
	}
	return v
}

// overhead is what carries an IP packet: IP, GRE with both numbers, PPP and MPPE (bytes).
const overhead = 20 + 16 + 4 + 4

func judgePort(f *Facts) Verdict {
	t := &f.TCP
	port := t.Server.Port()
	switch {
	case !t.Server.IsValid():
		return skipped("not tried")
	case t.Err == nil:
		return ok("%v answers after %s", t.Server, milliseconds(t.Took))
	case errors.Is(t.Err, syscall.ECONNREFUSED):
		return fail(tunnel.ClassNetwork, fmt.Sprintf("is the PPTP server running, and on port %d? on its machine: ss -ltnp sport = :%d", port, port), "%v refuses: the machine is there, and nothing listens on the port, or a firewall answers so", t.Server)
	case errors.Is(t.Err, os.ErrDeadlineExceeded), errors.Is(t.Err, context.DeadlineExceeded), errors.Is(t.Err, syscall.ETIMEDOUT):
		return fail(tunnel.ClassNetwork, fmt.Sprintf("is the server up? where a firewall is in charge: nft add rule inet filter input tcp dport %d accept, on routers before it in forward, and a NAT has to pass the port on", port), "%v: no answer within %s: filtered on the way, or no machine is there", t.Server, milliseconds(t.Took))
	case errors.Is(t.Err, syscall.EHOSTUNREACH), errors.Is(t.Err, syscall.ENETUNREACH), errors.Is(t.Err, syscall.ENETDOWN):
		return fail(tunnel.ClassNetwork, "a router says so, or nobody answers ARP on the link: traceroute -n "+t.Server.Addr().String()+" shows where it ends", "%v is unreachable: %s", t.Server, reason(t.Err))
	case errors.Is(t.Err, fs.ErrPermission):
		return fail(tunnel.ClassNetwork, "nft list ruleset, and ip rule, on this machine", "%v: this machine forbids the connection: %s", t.Server, reason(t.Err))
	}
	return fail(tunnel.ClassNetwork, "", "%v cannot be reached: %s", t.Server, reason(t.Err))
}

func milliseconds(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.2f ms", float64(d)/1e6)
}

func judgeAnswer(f *Facts) Verdict {
	c := &f.Control
	if s := c.Started; s != nil {
		channels := "any number"
		if s.MaxChannels > 0 {
			channels = fmt.Sprint(s.MaxChannels)
		}
		return ok("version %d.%d, host %q, vendor %q, firmware %d, channels: %s", control.Version>>8, control.Version&0xFF, s.HostName, s.Vendor, s.Firmware, channels)
	}
	var end *control.EndError
	if errors.As(c.Err, &end) && errors.Is(end, control.ErrProtocol) {
		return fail(tunnel.ClassNetwork, "is it the right machine and port? PPTP is TCP 1723; PPTP in other ports is rare", "%s", end.Text)
	}
	switch {
	case errors.Is(c.Err, control.ErrTimeout):
		return fail(tunnel.ClassNetwork, "the port is open, and what listens there says nothing: a proxy, or a server that is stuck: restart it", "%v", c.Err)
	case errors.Is(c.Err, control.ErrRefused):
		return fail(tunnel.ClassNetwork, "see the server's log", "%v", c.Err)
	case c.Err != nil:
		return fail(tunnel.ClassNetwork, "does the server's list of clients have this machine's address? has it banned it? see its log", "%v", c.Err)
	}
	return fail(tunnel.ClassNetwork, "give it more time, if there is a --connect-timeout", "no answer in time")
}

func judgeCall(f *Facts) Verdict {
	c := &f.Control
	switch {
	case c.Call != nil:
		return ok("accepted: the server's call %d, ours %d, window %d", c.Call.PeerCallID, c.Call.CallID, c.Call.PeerWindow)
	case errors.Is(c.Err, control.ErrRefused):
		return fail(tunnel.ClassNetwork, "busy, or no channel: all its lines or addresses are in use, or this client is not wanted: see the server's log", "%v", c.Err)
	case c.Err != nil:
		return fail(tunnel.ClassNetwork, "see the server's log; pptpd hangs up like this when its addresses or connections are used up", "%v", c.Err)
	}
	return fail(tunnel.ClassNetwork, "give it more time, if there is a --connect-timeout", "no answer in time")
}

// What has to be done about GRE that does not pass.
const (
	helper = "on a router with NAT or a firewall between: modprobe nf_conntrack_pptp nf_nat_pptp (or, in old kernels, sysctl net.netfilter.nf_conntrack_helper=1), " +
		`nft 'add table ip pptp; add ct helper ip pptp pptp { type "pptp" protocol tcp; }; ` +
		`add chain ip pptp pre { type filter hook prerouting priority filter; }; add rule ip pptp pre tcp dport 1723 ct helper set "pptp"'`
	forward   = "; let protocol 47 pass: nft insert rule ip filter forward ip protocol gre accept; boxes call it PPTP passthrough or ALG"
	atServer  = "; at the server: nft insert rule inet filter input meta l4proto gre accept"
	hereOut   = "on this machine: nft insert rule inet filter output meta l4proto gre accept; nft list ruleset shows what drops it"
	hereIn    = "on this machine: nft insert rule inet filter input meta l4proto gre accept; nft list ruleset shows what drops it"
	noAnswers = "no answer to GRE comes"
	noEnd     = ", and the server, asked by GRE to end the call, did not"
)

func judgeSent(f *Facts) Verdict {
	g := &f.GRE
	remedy := helper + forward + atServer
	switch {
	case g.Permission != nil:
		return fail(tunnel.ClassPermission, "", "%v", g.Permission)
	case g.Acknowledged:
		return ok("the server hears us")
	case errors.Is(g.Refused, fs.ErrPermission):
		return fail(tunnel.ClassNetwork, hereOut, "this machine's firewall drops what is sent: %s", reason(g.Refused))
	case g.Refused != nil && g.Received == 0 && !g.HungUp:
		return fail(tunnel.ClassNetwork, "", "this machine cannot send: %s", reason(g.Refused))
	case g.ICMP != "":
		return fail(tunnel.ClassNetwork, remedy, "%s", g.ICMP)
	case g.HungUp:
		return ok("the server hears us: asked by GRE, it ended the call")
	case g.Received > 0:
		return fail(tunnel.ClassNetwork, remedy, "the server's packets come, and it acknowledges and answers none of our %d: GRE (IP protocol 47) is blocked on the way there", g.Sent)
	case g.AtDevice > 0:
		return skipped("cannot be told while this machine drops the answers")
	case f.Link.Ended != nil:
		return fail(tunnel.ClassNetwork, "see the server's log", "%v", f.Link.Ended)
	}
	said := noAnswers
	if g.Farewell {
		said += noEnd
	}
	return fail(tunnel.ClassNetwork, remedy, "%s: GRE (IP protocol 47) seems to be blocked on the way there", said)
}

func judgeReceived(f *Facts) Verdict {
	g := &f.GRE
	switch {
	case g.Received > 0:
		return ok("the server's packets come")
	case g.AtDevice > 0:
		return fail(tunnel.ClassNetwork, hereIn, "%d packets of the server came to the interface, and this machine's firewall drops them", g.AtDevice)
	case g.HungUp:
		return fail(tunnel.ClassNetwork, helper+forward, "the server hears us, and nothing of it comes: GRE (IP protocol 47) is blocked on the way back")
	case g.Permission != nil:
		return skipped("not tried")
	}
	return fail(tunnel.ClassNetwork, "as for GRE sent", "nothing at all came from the server: GRE (IP protocol 47) is blocked on the way back too, or the server answers nothing, since it hears nothing")
}

// Passes reports whether GRE passes both ways, as far as is known.
func (g *GRE) Passes() bool { return g.Acknowledged && g.Received > 0 }

// First is the first of the addresses found, or none.
func (l *Lookup) First() netip.Addr {
	if len(l.Found) == 0 {
		return netip.Addr{}
	}
	return l.Found[0]
}
