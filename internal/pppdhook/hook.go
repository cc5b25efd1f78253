// Package pppdhook runs programs when a PPP link comes up and when it has gone, with the arguments
// and the environment that pppd gives its scripts (pppd(8), SCRIPTS), so that what is written for
// pppd works: OpenWrt's /lib/netifd/ppp-up, what lies in /etc/ppp/ip-up.d.
//
// A program is started by its path, without a shell, in / and with nothing on its standard input,
// output and error. What a peer has a say in, its addresses, name servers and a user's name, comes
// as values of arguments and variables; a name with control characters in it does not come at all.
package pppdhook

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Programs are the paths of the programs, "" for none, and what they are told about themselves.
type Programs struct {
	IPPreUp  string // before the interface is up, once it is there with its addresses; waited for
	IPUp     string // when IPv4 passes
	IPDown   string // when it passes no more
	IPv6Up   string // the same for IPv6, where it was negotiated
	IPv6Down string
	IPParam  string // the last argument of all of them
}

// None reports whether there is nothing to run.
func (p Programs) None() bool {
	return p.IPPreUp == "" && p.IPUp == "" && p.IPDown == "" && p.IPv6Up == "" && p.IPv6Down == ""
}

// Check says why a path cannot be run.
func Check(path string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("%s: must be a whole path, from / on", path)
	}
	info, err := os.Stat(path)
	var failed *fs.PathError
	if errors.As(err, &failed) {
		err = failed.Err // without "stat"
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return fmt.Errorf("%s: is no file that can be run (chmod +x)", path)
	}
	return nil
}

// Link is what the programs are told of a link.
type Link struct {
	Interface             string     // the network interface
	Peer                  netip.Addr // the peer's address outside the tunnel: what stands where pppd has its device
	Local, Remote         netip.Addr // the tunnel's; the zero value is one that nobody has, or that is not used
	LocalIPv6, RemoteIPv6 netip.Addr // link-local, if IPv6 was negotiated
	DNS                   []netip.Addr
	PeerName              string // the user that has logged in here
}

// Traffic is what programs are told besides when a link has gone.
type Traffic struct {
	Connected time.Duration
	Sent      uint64 // bytes
	Received  uint64
}

// speed is what pppd tells of a link without a serial line.
const speed = "0"

// arguments are those of a program for one family of addresses.
func (l Link) arguments(path string, ipv6 bool, param string) []string {
	local, remote := l.Local, l.Remote
	none := netip.IPv4Unspecified()
	if ipv6 {
		local, remote, none = l.LocalIPv6, l.RemoteIPv6, netip.IPv6Unspecified()
	}
	return []string{path, l.Interface, text(l.Peer, none), speed, text(local, none), text(remote, none), param}
}

func text(a, none netip.Addr) string {
	if !a.IsValid() {
		a = none
	}
	return a.WithZone("").String()
}

// environment is all that a program finds in its own; t is nil while the link is there.
func (l Link) environment(t *Traffic) []string {
	env := []string{
		"DEVICE=" + text(l.Peer, netip.IPv4Unspecified()), "IFNAME=" + l.Interface, "LINKNAME=" + l.Interface, "SPEED=" + speed,
		"ORIG_UID=" + strconv.Itoa(os.Getuid()), "PPPLOGNAME=" + logName(), "PPPD_PID=" + strconv.Itoa(os.Getpid()),
	}
	add := func(name string, a netip.Addr) {
		if a.IsValid() {
			env = append(env, name+"="+a.WithZone("").String())
		}
	}
	add("IPLOCAL", l.Local)
	add("IPREMOTE", l.Remote)
	add("LLLOCAL", l.LocalIPv6)
	add("LLREMOTE", l.RemoteIPv6)
	for i, a := range l.DNS[:min(len(l.DNS), 2)] {
		add("DNS"+strconv.Itoa(i+1), a)
	}
	if len(l.DNS) > 0 {
		env = append(env, "USEPEERDNS=1")
	}
	if l.PeerName != "" && plain(l.PeerName) {
		env = append(env, "PEERNAME="+l.PeerName)
	}
	if t != nil {
		env = append(env,
			"CONNECT_TIME="+strconv.FormatInt(int64(t.Connected/time.Second), 10),
			"BYTES_SENT="+strconv.FormatUint(t.Sent, 10), "BYTES_RCVD="+strconv.FormatUint(t.Received, 10))
	}
	return env
}

// plain reports whether a name can be told: it was chosen by somebody else.
func plain(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}

// logName is the user who runs this process.
func logName() string {
	if os.Getuid() == 0 {
		return "root"
	}
	for _, name := range []string{os.Getenv("LOGNAME"), os.Getenv("USER")} {
		if name != "" && plain(name) {
			return name
		}
	}
	return strconv.Itoa(os.Getuid())
}
