//go:build linux && !nodns

package nameservice

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/arc4tun/arc4tun/internal/resolvconf"
)

// wayKind is one of the ways to tell a machine which name servers to ask. The numbers stand in
// records.
type wayKind int

const (
	byFile wayKind = iota + 1
	byResolvconf
	byResolved
)

func (k wayKind) String() string {
	switch k {
	case byFile:
		return resolvconf.Path
	case byResolvconf:
		return "resolvconf"
	case byResolved:
		return "systemd-resolved"
	}
	return fmt.Sprintf("way %d", int(k))
}

// places are the files that this package has to do with.
type places struct {
	resolvConf string
	backups    []string // where the former resolv.conf may be kept, the first that can be written
	records    string   // the directory of the records
	order      string   // of resolvconf: which names of interfaces come first
	switchConf string   // nsswitch.conf(5)
	interfaces []string // where resolvconf keeps what it was told, Debian's and openresolv
	uplinks    string   // the servers that systemd-resolved asks
	init       string   // in /proc: the machine's first process
	lookEvery  time.Duration

	mounted string // resolv.conf is mounted there, and has this inode
}

// system are those of this machine.
var system = places{
	resolvConf: resolvconf.Path,
	backups:    []string{resolvconf.Path + ".before-arc4", "/run/arc4/resolv.conf.before-arc4"},
	records:    "/run/arc4",
	order:      "/etc/resolvconf/interface-order",
	switchConf: "/etc/nsswitch.conf",
	interfaces: []string{"/run/resolvconf/interface", "/run/resolvconf/interfaces"},
	uplinks:    resolvconf.Upstream[0],
	init:       "/proc/1",
	lookEvery:  lookEvery,
}

// facts are what the way is chosen by.
type facts struct {
	content    []byte // of resolv.conf; nil: there is none
	nssResolve bool   // nsswitch.conf has programs ask systemd-resolved before they read resolv.conf
	resolvconf bool   // the program is there
}

// choose says how this machine is told.
func (p places) choose(ctx context.Context) (wayKind, error) {
	var f facts
	var err error
	f.content, err = os.ReadFile(p.resolvConf)
	if err != nil && !os.IsNotExist(err) {
		return 0, err
	}
	nsswitch, err := os.ReadFile(p.switchConf)
	if err != nil && !os.IsNotExist(err) {
		return 0, err
	}
	f.nssResolve = namesResolve(nsswitch)
	_, err = lookProgram()
	f.resolvconf = err == nil
	// Only who is asked by programs is asked here, for that may start it.
	if f.asksResolved() && pingResolved(ctx) == nil {
		return byResolved, nil
	}
	return f.decide(), p.checkNamespace()
}

// stubs are the addresses where systemd-resolved answers.
var stubs = []netip.Addr{netip.MustParseAddr("127.0.0.53"), netip.MustParseAddr("127.0.0.54")}

// asksResolved reports whether programs ask systemd-resolved. Its name also stands in the header of
// files that do not lead to it.
func (f facts) asksResolved() bool { return f.nssResolve || onlyStub(f.content) }

// decide goes by who has written resolv.conf, where systemd-resolved is not asked.
func (f facts) decide() wayKind {
	if f.resolvconf && strings.Contains(header(f.content), "resolvconf") {
		return byResolvconf
	}
	return byFile
}

// header is the comments at the top of a resolv.conf, in which its writer names itself.
func header(content []byte) string {
	var lines []string
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if line != "" && line[0] != '#' && line[0] != ';' {
			break
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// onlyStub reports whether systemd-resolved is the only server in a resolv.conf.
func onlyStub(content []byte) bool {
	servers := resolvconf.Parse(content)
	for _, a := range servers {
		if !slices.Contains(stubs, a) {
			return false
		}
	}
	return len(servers) > 0
}

// namesResolve reports whether an nsswitch.conf(5) has nss-resolve for hosts.
func namesResolve(nsswitch []byte) bool {
	for line := range bytes.Lines(nsswitch) {
		line, _, _ = bytes.Cut(line, []byte("#"))
		words := strings.Fields(string(line))
		if len(words) == 0 || words[0] != "hosts:" {
			continue
		}
		for _, w := range words[1:] {
			if w == "resolve" {
				return true
			}
		}
	}
	return false
}

// wayOf makes one.
func (p places) wayOf(k wayKind, log *slog.Logger) way {
	switch k {
	case byResolved:
		return &resolved{places: p}
	case byResolvconf:
		return &resolvconfProgram{places: p}
	default:
		return &file{places: p, log: log}
	}
}

// lookProgram finds resolvconf also where the PATH of a service has no sbin.
func lookProgram() (string, error) {
	for _, path := range []string{"/sbin/resolvconf", "/usr/sbin/resolvconf"} {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	path, err := exec.LookPath("resolvconf")
	if err != nil {
		return "", fmt.Errorf("resolvconf: %w", fs.ErrNotExist)
	}
	return path, nil
}
