//go:build !noproxy

package main

import (
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/proxy"
)

// proxyExample are lines of connect's examples.
const proxyExample = "  arc4 connect alice@192.0.2.1 --socks5 1080 --http-proxy 1080   # no TUN device, no routes: a proxy on 127.0.0.1\n" +
	"  arc4 connect alice@192.0.2.1 --forward 8022=10.0.0.7:22    # ssh -p 8022 127.0.0.1 reaches 10.0.0.7\n"

// proxyEnvironment are variables of connect that are no flag's.
var proxyEnvironment = []clidoc.Entry{
	{Name: proxyPasswordVariable, What: "the password for --proxy-user, if there is no --proxy-password-file; other programs of this user can read it there"},
}

// proxyLong is a paragraph of connect's help.
const proxyLong = `

With --socks5, --http-proxy, --forward or --reverse there is no TUN device: the tunnel ends in a TCP/IP stack of this process,
nothing is set on this machine, and CAP_NET_RAW is all that it takes. Names that the proxies are asked for are looked up through
the tunnel, at the name servers that the server assigns or --dns names, and nowhere else. The proxies listen on 127.0.0.1 unless
another address is given; who listens elsewhere should ask for a password (--proxy-user). While the tunnel is down they wait for
it for 15 seconds, and then say so.`

// proxyFlags have connect offer the tunnel to programs in the place of making a device.
type proxyFlags struct {
	socks5, http      string
	forward, reverse  []string
	user              string
	passwordFile      string
	password          string       // by check
	servers           []netip.Addr // by check, as what follows
	listens           []proxyListen
	forwards, reverts []proxyPair
	end               *proxyEnd // by localEnd
}

// proxyListen is an address of a proxy, and what is spoken there.
type proxyListen struct {
	flag string
	at   netip.AddrPort
	proxy.Protocols
}

// proxyPair is where connections come to, and where they go.
type proxyPair struct{ at, to string }

// proxyPasswordVariable is the environment variable of the proxy's password.
const proxyPasswordVariable = "ARC4_PROXY_PASSWORD"

func (f *proxyFlags) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.socks5, "socks5", "", "make no TUN device, and be a SOCKS5 proxy into the tunnel at `[ADDRESS:]PORT`, 127.0.0.1 if no address is given, for TCP and UDP; takes CAP_NET_RAW alone")
	flags.StringVar(&f.http, "http-proxy", "", "the same as an HTTP proxy, with CONNECT, at `[ADDRESS:]PORT`, which may be that of --socks5")
	flags.StringArrayVar(&f.forward, "forward", nil, "make no TUN device, and pass TCP connections on from this machine into the tunnel, `LOCAL=REMOTE`: [ADDRESS:]PORT=HOST:PORT; may be repeated")
	flags.StringArrayVar(&f.reverse, "reverse", nil, "make no TUN device, and pass TCP connections on that come through the tunnel, `REMOTE=LOCAL`: PORT at this end's address in the tunnel=[ADDRESS:]PORT here; may be repeated")
	flags.StringVar(&f.user, "proxy-user", "", "`NAME` that clients of --socks5 and --http-proxy have to give, with the password of --proxy-password-file or "+proxyPasswordVariable)
	flags.StringVar(&f.passwordFile, "proxy-password-file", "", "`FILE` with the password for --proxy-user in its first line, which nobody else may read")
}

// wanted reports whether there is a proxy in the place of a device.
func (f *proxyFlags) wanted() bool {
	return f.socks5 != "" || f.http != "" || len(f.forward) > 0 || len(f.reverse) > 0
}

// aboutDevices are the flags that say something of a device, its routes, or what this machine does
// because of it.
var aboutDevices = []string{
	"tun", "route", "default-route", "exclude-route", "table", "metric", "kill-switch", "on-demand", "on-demand-ip", "dns-domain",
	"ip-pre-up", "ip-up", "ip-down", "ipv6-up", "ipv6-down", "ipparam",
}

// check refuses what contradicts, and turns the flags into what is to be offered.
func (f *proxyFlags) check(cmd *cobra.Command, dns *dnsFlags) error {
	flags := cmd.Flags()
	const port = "a port, such as 1080"
	for _, f := range [][2]string{{"socks5", port}, {"http-proxy", port}, {"proxy-user", "a name"}} {
		if flag := flags.Lookup(f[0]); flag.Changed && flag.Value.String() == "" {
			return exit.Usagef("--%s is empty: give %s, or leave it out", f[0], f[1])
		}
	}
	if !f.wanted() {
		for _, name := range []string{"proxy-user", "proxy-password-file"} {
			if flags.Changed(name) {
				return exit.Usagef("--%s has no effect without --socks5 or --http-proxy: add one, or leave it out", name)
			}
		}
		return nil
	}
	by := f.first()
	for _, name := range aboutDevices {
		if flag := flags.Lookup(name); flag != nil && flag.Changed && flag.Value.String() != "false" {
			return exit.Usagef("--%s and %s exclude each other: a proxy makes no device, and sets nothing on this machine; leave one of them out", name, by)
		}
	}
	servers, off, err := dns.parseServers()
	switch {
	case err != nil:
		return err
	case off:
		return exit.Usagef("--dns off and %s exclude each other: a proxy looks names up through the tunnel, or not at all; leave --dns out, or give addresses", by)
	}
	f.servers = servers
	if err := f.addresses(); err != nil {
		return err
	}
	return f.readPassword(flags.Lookup("insecure-secrets").Value.String() == "true")
}

// first is the first of the flags that is given.
func (f *proxyFlags) first() string {
	switch {
	case f.socks5 != "":
		return "--socks5"
	case f.http != "":
		return "--http-proxy"
	case len(f.forward) > 0:
		return "--forward"
	}
	return "--reverse"
}

func (f *proxyFlags) addresses() error {
	f.listens, f.forwards, f.reverts = nil, nil, nil
	if f.socks5 != "" {
		at, err := parseListen("--socks5", f.socks5)
		if err != nil {
			return err
		}
		f.listens = append(f.listens, proxyListen{"--socks5", at, proxy.Protocols{SOCKS5: true}})
	}
	if f.http != "" {
		at, err := parseListen("--http-proxy", f.http)
		if err != nil {
			return err
		}
		if len(f.listens) == 1 && f.listens[0].at == at && at.Port() != 0 {
			f.listens[0].HTTP = true
		} else {
			f.listens = append(f.listens, proxyListen{"--http-proxy", at, proxy.Protocols{HTTP: true}})
		}
	}
	for _, text := range f.forward {
		local, remote, is := strings.Cut(text, "=")
		at, err := parseListen("--forward", local)
		switch {
		case !is:
			return exit.Usagef("--forward %s: must be LOCAL=REMOTE, such as 8022=10.0.0.7:22", text)
		case err != nil:
			return err
		}
		host, port, err := net.SplitHostPort(remote)
		if n, portErr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || portErr != nil || n == 0 {
			return exit.Usagef("--forward %s: %s must be HOST:PORT behind the tunnel, such as 10.0.0.7:22", text, remote)
		}
		f.forwards = append(f.forwards, proxyPair{at.String(), remote})
	}
	for _, text := range f.reverse {
		remote, local, is := strings.Cut(text, "=")
		if !is {
			return exit.Usagef("--reverse %s: must be REMOTE=LOCAL, such as 8022=22", text)
		}
		at, err := parseListen("--reverse", remote)
		if err != nil || at.Port() == 0 {
			return exit.Usagef("--reverse %s: %s must be a port at this end's address in the tunnel, 1 to 65535", text, remote)
		}
		to, err := parseListen("--reverse", local)
		if err != nil || to.Port() == 0 {
			return exit.Usagef("--reverse %s: %s must be a PORT of this machine, or an ADDRESS:PORT that it reaches", text, local)
		}
		where := ":" + strconv.Itoa(int(at.Port()))
		if !at.Addr().IsLoopback() {
			where = at.String()
		}
		f.reverts = append(f.reverts, proxyPair{where, to.String()})
	}
	return f.checkTwice()
}

// checkTwice refuses two flags for one address.
func (f *proxyFlags) checkTwice() error {
	type place struct {
		inside bool
		at     string
	}
	taken := make(map[place]string)
	take := func(flag string, p place) error {
		by, twice := taken[p]
		if taken[p] = flag; !twice || strings.HasSuffix(p.at, ":0") {
			return nil
		}
		return exit.Usagef("%s and %s are both for %s: give one of them another port", by, flag, p.at)
	}
	for _, l := range f.listens {
		if err := take(l.flag, place{false, l.at.String()}); err != nil {
			return err
		}
	}
	for _, p := range f.forwards {
		if err := take("--forward "+p.at+"="+p.to, place{false, p.at}); err != nil {
			return err
		}
	}
	for _, p := range f.reverts {
		if err := take("--reverse "+p.at+"="+p.to, place{true, p.at}); err != nil {
			return err
		}
	}
	return nil
}

// parseListen reads [ADDRESS:]PORT; without an address it is 127.0.0.1.
func parseListen(flag, text string) (netip.AddrPort, error) {
	host, port := "", text
	if strings.Contains(text, ":") {
		var err error
		if host, port, err = net.SplitHostPort(text); err != nil {
			return netip.AddrPort{}, exit.Usagef("%s %s: must be PORT or ADDRESS:PORT, such as 1080, 192.0.2.1:1080 or [::1]:1080", flag, text)
		}
	}
	addr := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if host != "" && host != "localhost" {
		var err error
		if addr, err = netip.ParseAddr(host); err != nil || addr.Zone() != "" {
			return netip.AddrPort{}, exit.Usagef("%s %s: %s must be an address of this machine, or be left out for 127.0.0.1", flag, text, host)
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, exit.Usagef("%s %s: the port must be 0 to 65535 (0: any that is free)", flag, text)
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), nil
}

// readPassword finds the password of the proxy's user: in the file, which others may read if it is
// insecure, else in the environment.
func (f *proxyFlags) readPassword(insecure bool) error {
	fromEnvironment, given := os.LookupEnv(proxyPasswordVariable)
	switch {
	case f.user == "" && f.passwordFile == "" && (!given || len(f.listens) == 0):
		return nil
	case len(f.listens) == 0:
		return exit.Usagef("--proxy-user has no effect without --socks5 or --http-proxy: add one, or leave it out")
	case f.user == "":
		return exit.Usagef("the proxy has a password and no user: give --proxy-user NAME")
	case len(f.user) > longestUser || strings.Contains(f.user, ":"):
		return exit.Usagef("--proxy-user %s: must be up to %d bytes without a colon", f.user, longestUser)
	case f.passwordFile != "":
		var err error
		f.password, err = firstLineOf("--proxy-password-file", f.passwordFile, insecure)
		return err
	case fromEnvironment == "":
		return exit.Usagef("--proxy-user %s: no password: give --proxy-password-file FILE or set %s", f.user, proxyPasswordVariable)
	}
	f.password = fromEnvironment
	return nil
}
