package diagnosis

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

var (
	server  = netip.MustParseAddrPort("192.0.2.1:1723")
	dnsDown = &net.DNSError{Err: "read udp: connection refused", Name: "vpn.example.net"}
	missing = &net.DNSError{Err: "no such host", Name: "vpn.example.net", IsNotFound: true}
	policy  = Policy{Login: true, Auth: []ppp.AuthMethod{ppp.MSCHAPv2}, MTU: 1400}
	login   = &ppp.AuthSucceeded{Method: ppp.MSCHAPv2}
	fullMRU = Link{Heard: true, Open: true, MRU: 1404, Methods: []string{"MS-CHAPv2"}, Accepted: true}
)

// downLink is one that has ended.
func downLink(change func(*Link), class ppp.Class, message string) Link {
	l := fullMRU
	l.Down = &ppp.DownError{Class: class, Message: message}
	if change != nil {
		change(&l)
	}
	return l
}

// TestJudge: what is found, and what is made of it.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name   string
		step   Step
		facts  Facts
		state  State
		class  tunnel.Class
		text   string
		remedy string
	}{
		{"an address", Name, Facts{Lookup: Lookup{Host: "192.0.2.1", Found: []netip.Addr{server.Addr()}}}, OK, 0, "is an address", ""},
		{"a name", Name, Facts{Lookup: Lookup{Host: "vpn.example.net", Found: []netip.Addr{server.Addr()}, Asked: []netip.Addr{server.Addr()}}}, OK, 0, "vpn.example.net is 192.0.2.1, says 192.0.2.1", ""},
		{"no such name", Name, Facts{Lookup: Lookup{Host: "vpn.example.net", Err: missing}}, Fail, tunnel.ClassNetwork, "no such host", "A record"},
		{"no name server", Name, Facts{Lookup: Lookup{Host: "vpn.example.net", Err: dnsDown, Asked: []netip.Addr{server.Addr()}}}, Fail, tunnel.ClassNetwork, "connection refused; asked: 192.0.2.1", "dig @192.0.2.1"},
		{"no route", RouteTo, Facts{Route: Route{Err: syscall.ENETUNREACH}}, Fail, tunnel.ClassNetwork, "no route: network is unreachable", "default route"},
		{"on the link", RouteTo, Facts{Policy: policy, Route: Route{Interface: "eth0", Source: server.Addr(), MTU: 1500}}, OK, 0, "on the link, MTU 1500", ""},
		{"a narrow link", RouteTo, Facts{Policy: policy, Route: Route{Interface: "ppp0", Source: server.Addr(), MTU: 1400}}, Warn, 0, "goes in fragments", "--mtu 1356"},
		{"another system", RouteTo, Facts{Route: Route{Unknown: true}}, Skipped, 0, "not asked", ""},
		{"refused", Port, Facts{TCP: TCP{Server: server, Err: syscall.ECONNREFUSED}}, Fail, tunnel.ClassNetwork, "refuses", "ss -ltnp"},
		{"silent", Port, Facts{TCP: TCP{Server: server, Err: context.DeadlineExceeded, Took: 15 * time.Second}}, Fail, tunnel.ClassNetwork, "no answer within 15 s: filtered", "nft add rule"},
		{"silent for the system", Port, Facts{TCP: TCP{Server: server, Err: os.ErrDeadlineExceeded}}, Fail, tunnel.ClassNetwork, "filtered", "nft add rule"},
		{"unreachable", Port, Facts{TCP: TCP{Server: server, Err: syscall.EHOSTUNREACH}}, Fail, tunnel.ClassNetwork, "unreachable: no route to host", "traceroute"},
		{"forbidden here", Port, Facts{TCP: TCP{Server: server, Err: syscall.EACCES}}, Fail, tunnel.ClassNetwork, "this machine forbids", "nft list ruleset"},
		{"a server", Answer, Facts{Control: Control{Started: &control.Started{HostName: "gw", Vendor: "MikroTik", Firmware: 1}}}, OK, 0, `version 1.0, host "gw", vendor "MikroTik", firmware 1, channels: any number`, ""},
		{"SSH", Answer, Facts{Control: Control{Err: &control.EndError{Kind: control.ErrProtocol, Text: "what it says is SSH"}}}, Fail, tunnel.ClassNetwork, "SSH", "TCP 1723"},
		{"mute", Answer, Facts{Control: Control{Err: &control.EndError{Kind: control.ErrTimeout, Text: "the server does not answer"}}}, Fail, tunnel.ClassNetwork, "does not answer", "proxy"},
		{"hung up", Answer, Facts{Control: Control{Err: &control.EndError{Kind: control.ErrLost, Text: "the server hung up before answering"}}}, Fail, tunnel.ClassNetwork, "hung up", "banned"},
		{"busy", Call, Facts{Control: Control{Err: &control.EndError{Kind: control.ErrRefused, Text: "busy"}}}, Fail, tunnel.ClassNetwork, "busy", "all its lines"},
		{"heard", Sent, Facts{GRE: GRE{Sent: 1, Acknowledged: true, Received: 1}}, OK, 0, "hears us", ""},
		{"no answer at all", Sent, Facts{GRE: GRE{Sent: 9, Farewell: true}}, Fail, tunnel.ClassNetwork, "blocked on the way there", "nf_conntrack_pptp"},
		{"no acknowledgment", Sent, Facts{GRE: GRE{Sent: 3, Received: 4}}, Fail, tunnel.ClassNetwork, "none of our 3", "protocol 47"},
		{"a firewall here", Sent, Facts{GRE: GRE{Sent: 3, Refused: syscall.EPERM}}, Fail, tunnel.ClassNetwork, "this machine's firewall", "output"},
		{"ICMP", Sent, Facts{GRE: GRE{Sent: 3, ICMP: "192.0.2.9 answers with ICMP: host prohibited"}}, Fail, tunnel.ClassNetwork, "192.0.2.9", "forward"},
		{"no capability", Sent, Facts{GRE: GRE{Permission: errors.New("no raw socket")}}, Fail, tunnel.ClassPermission, "no raw socket", ""},
		{"ended by GRE", Sent, Facts{GRE: GRE{Farewell: true, HungUp: true}}, OK, 0, "ended the call", ""},
		{"nothing comes", Received, Facts{GRE: GRE{Farewell: true, HungUp: true}}, Fail, tunnel.ClassNetwork, "blocked on the way back", "ct helper"},
		{"dropped here", Received, Facts{GRE: GRE{AtDevice: 3}}, Fail, tunnel.ClassNetwork, "3 packets", "input"},
		{"nothing either way", Received, Facts{GRE: GRE{Farewell: true}}, Fail, tunnel.ClassNetwork, "nothing at all", "as for GRE sent"},
		{"LCP", LCP, Facts{Link: fullMRU}, OK, 0, "MRU 1404", ""},
		{"no LCP", LCP, Facts{Link: Link{Down: &ppp.DownError{Class: ppp.ClassTimeout, Message: "the peer does not answer"}}}, Fail, tunnel.ClassNetwork, "does not answer", "--trace"},
		{"PAP", Methods, Facts{Policy: policy, Link: Link{Heard: true, Methods: []string{"PAP"}, Down: &ppp.DownError{Class: ppp.ClassPolicy}}}, Fail, tunnel.ClassPolicy, "asks for PAP, and here MS-CHAPv2", "--auth pap --mppe off"},
		{"EAP, then MS-CHAPv2", Methods, Facts{Policy: policy, Link: Link{Heard: true, Accepted: true, Methods: []string{"EAP", "MS-CHAPv2"}}}, OK, 0, "EAP, then MS-CHAPv2", ""},
		{"EAP and nothing else", Methods, Facts{Policy: policy, Link: Link{Heard: true, Methods: []string{"EAP"}, Down: &ppp.DownError{Class: ppp.ClassPolicy, AskedEAP: true}}}, Fail, tunnel.ClassPolicy, "asks for EAP, and for nothing else", "--auth eap"},
		{"no login asked for", Methods, Facts{Policy: policy, Link: Link{Heard: true, Open: true}}, Warn, 0, "no login", "MS-CHAPv2"},
		{"nobody", Login, Facts{Link: fullMRU}, Skipped, 0, "no user", ""},
		{"logged in by EAP", Login, Facts{Policy: policy, Link: Link{LoggedIn: &ppp.AuthSucceeded{Method: ppp.EAPMSCHAPv2}}}, OK, 0, "by EAP-MSCHAPv2, and the server has proved", ""},
		{"logged in", Login, Facts{Policy: policy, Link: Link{LoggedIn: login}}, OK, 0, "proved", ""},
		{"691", Login, Facts{Policy: policy, Link: downLink(func(l *Link) { l.Refused = &ppp.AuthFailed{Code: 691} }, ppp.ClassAuth, "691")}, Fail, tunnel.ClassAuth, "refused: 691", "DOMAIN"},
		{"648", Login, Facts{Policy: policy, Link: downLink(func(l *Link) { l.Refused = &ppp.AuthFailed{Code: 648} }, ppp.ClassAuth, "648")}, Fail, tunnel.ClassAuth, "648", "change the password"},
		{"not proven", Login, Facts{Policy: policy, Link: downLink(func(l *Link) { l.Refused = &ppp.AuthFailed{Unproven: true} }, ppp.ClassAuth, "no proof")}, Fail, tunnel.ClassAuth, "no proof", "do not try again"},
		{"no answer to the login", Login, Facts{Policy: policy, Link: Link{Open: true, Methods: []string{"MS-CHAPv2"}, Slow: true, Waited: 20 * time.Second}}, Fail, tunnel.ClassNetwork, "not done after 20 s", "RADIUS"},
		{"128 bits", MPPE, Facts{Policy: policy, Link: Link{Encrypted: &Encryption{128, true}}}, OK, 0, "128 bits, stateless", ""},
		{"stateful", MPPE, Facts{Policy: policy, Link: Link{Encrypted: &Encryption{128, false}}}, Warn, 0, "stateful", "stalls"},
		{"40 bits", MPPE, Facts{Policy: policy, Link: downLink(func(l *Link) { l.LoggedIn, l.Offered = login, []int{56, 40} }, ppp.ClassPolicy, "no")}, Fail, tunnel.ClassPolicy, "56, 40 bits only", "--mppe require"},
		{"stateful only", MPPE, Facts{Policy: policy, Link: downLink(func(l *Link) { l.LoggedIn, l.Offered, l.Stateful = login, []int{128}, true }, ppp.ClassPolicy, "no")}, Fail, tunnel.ClassPolicy, "stateful keys", "--mppe-stateful allow"},
		{"none", MPPE, Facts{Policy: policy, Link: downLink(func(l *Link) { l.LoggedIn, l.NoMPPE = login, true }, ppp.ClassPolicy, "CCP is rejected")}, Fail, tunnel.ClassPolicy, "CCP is rejected", "ppp_mppe"},
		{"clear and allowed", MPPE, Facts{Policy: Policy{Login: true, MPPE: ppp.MPPEPolicy{Mode: ppp.Allow}}, Link: Link{LoggedIn: login, Network: &ppp.NetworkUp{}}}, Warn, 0, "does not encrypt", "reads all"},
		{"off", MPPE, Facts{Policy: Policy{Login: true, MPPE: ppp.MPPEPolicy{Mode: ppp.Off}}, Link: Link{LoggedIn: login}}, Warn, 0, "in clear", "--mppe off"},
		{"left before", MPPE, Facts{Policy: policy, Link: downLink(func(l *Link) { l.LoggedIn = login }, ppp.ClassPeer, "no address")}, Skipped, 0, "after the login", ""},
		{"addresses", Addresses, Facts{Policy: policy, Link: Link{Network: &ppp.NetworkUp{Local: netip.MustParseAddr("10.0.0.2"), Remote: netip.MustParseAddr("10.0.0.1")}}}, OK, 0, "this end is 10.0.0.2, the server 10.0.0.1, name servers none", ""},
		{"a neighbour's", Addresses, Facts{Policy: policy, Link: Link{Taken: "in the network 10.0.0.0/24", Network: &ppp.NetworkUp{Local: netip.MustParseAddr("10.0.0.2")}}}, Fail, tunnel.ClassPolicy, "10.0.0.2, which is in the network 10.0.0.0/24: connect refuses", "other addresses"},
		{"no address", Addresses, Facts{Policy: policy, Link: downLink(nil, ppp.ClassPeer, `the peer closed the link: "no address to give"`)}, Fail, tunnel.ClassPeer, "no address to give", "used up"},
		{"the call is ended", Addresses, Facts{Policy: policy, Link: downLink(func(l *Link) {
			l.Down.CallCleared, l.Ended = true, errors.New("the server ended the call: lost carrier")
		}, ppp.ClassPeer, "cleared")}, Fail, tunnel.ClassPeer, "lost carrier", "log"},
		{"1400", MTU, Facts{Path: Path{Wanted: 1400, Largest: 1400, Returned: 1}}, OK, 0, "1400 bytes", ""},
		{"cut echoes", MTU, Facts{Path: Path{Wanted: 1400, Largest: 1400, Returned: 1, Cut: true}}, OK, 0, "way back is not proven", ""},
		{"fragments", MTU, Facts{Path: Path{Wanted: 1400, Largest: 1356, Returned: 1, Fragments: true, PathMTU: 1400}}, Warn, 0, "takes 1400 bytes, as it says", "--mtu 1356"},
		{"black hole", MTU, Facts{Path: Path{Wanted: 1400, Largest: 1356, Returned: 1}}, Fail, tunnel.ClassNetwork, "black hole", "--mtu 1356"},
		{"no echoes", MTU, Facts{Path: Path{Wanted: 1400, Sent: 3}}, Warn, 0, "no LCP echoes", ""},
		{"round trip", RoundTrip, Facts{Path: Path{Sent: 100, Returned: 99, Median: 20 * time.Millisecond, Percent: 1300 * time.Millisecond}}, OK, 0, "20 ms median, 1.3 s for 95 % of 99", ""},
		{"no loss", Loss, Facts{Path: Path{Sent: 100, Returned: 100}}, OK, 0, "0 of 100 echoes lost, none late: any", ""},
		{"loss", Loss, Facts{Path: Path{Sent: 100, Returned: 95, LostThere: 3}}, Warn, 0, `5 of 100 echoes lost \(3 there, 2 back\)`, "immediate"},
		{"disorder", Loss, Facts{Path: Path{Sent: 100, Returned: 100, Late: 7, Farthest: 3, Slowest: 5 * time.Millisecond}}, Warn, 0, "7 late on the way back", "order, which is the default, puts them in order$"},
		{"slow disorder", Loss, Facts{Path: Path{Sent: 100, Returned: 100, Late: 7, Farthest: 3, Slowest: 400 * time.Millisecond}}, Warn, 0, "7 late", "--reorder-timeout 800ms"},
	} {
		t.Run(c.step.String()+"/"+c.name, func(t *testing.T) {
			v := Judge(c.step, &c.facts)
			assert.Equal(t, c.step, v.Step)
			assert.Equal(t, c.state, v.State, v.Text)
			assert.Equal(t, c.class, v.Class)
			assert.Regexp(t, c.text, v.Text)
			assert.Regexp(t, c.remedy, v.Remedy)
			if c.remedy == "" {
				assert.Empty(t, v.Remedy)
			}
		})
	}
}

// TestJudgeNothing: no step is judged well of which nothing is known.
func TestJudgeNothing(t *testing.T) {
	for _, s := range Steps() {
		v := Judge(s, &Facts{Policy: policy})
		assert.NotEqual(t, OK, v.State, "%s: %s", s, v.Text)
		assert.NotEmpty(t, v.Text, s)
	}
}
