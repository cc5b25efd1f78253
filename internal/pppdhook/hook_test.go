package pppdhook

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// seen is what a hook finds when it is started.
type seen struct {
	Args, Env []string
	Folder    string
	Files     [3]string
	Before    []string // the runs that had ended
}

// TestMain lets the test binary be the hooks, under the names of links to it.
func TestMain(m *testing.M) {
	switch name := filepath.Base(os.Args[0]); {
	case strings.HasPrefix(name, "hook-"):
		tell(strings.TrimPrefix(name, "hook-"))
	case name == "hangs":
		tell(name)
		time.Sleep(time.Hour)
	case name == "slow":
		time.Sleep(50 * time.Millisecond)
		tell(name)
	case name == "fails":
		syscall.Exit(3)
	default:
		os.Exit(m.Run())
	}
	syscall.Exit(0) // os.Exit waits for a second under the race detector
}

// tell writes what is seen beside the hook, as one file for each run.
func tell(name string) {
	s := seen{Args: os.Args, Env: os.Environ()}
	s.Folder, _ = os.Getwd()
	for i := range s.Files {
		s.Files[i], _ = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", i))
	}
	s.Before, _ = filepath.Glob(filepath.Join(filepath.Dir(os.Args[0]), "run-*"))
	b, _ := json.Marshal(s)
	f, err := os.CreateTemp(filepath.Dir(os.Args[0]), fmt.Sprintf("tmp-%s-*", name))
	if err == nil {
		_, _ = f.Write(b)
		_ = os.Rename(f.Name(), strings.Replace(f.Name(), "/tmp-", "/run-", 1))
	}
}

// folder has a hook of each name in it.
func folder(t *testing.T, names ...string) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	for _, name := range names {
		require.NoError(t, os.Symlink(self, filepath.Join(dir, name)))
	}
	return dir
}

// runs gives what the hook of a name saw, run by run.
func runs(t *testing.T, dir, name string) (all []seen) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "run-"+name+"-*"))
	require.NoError(t, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		var s seen
		require.NoError(t, json.Unmarshal(b, &s))
		all = append(all, s)
	}
	return all
}

func address(s string) netip.Addr { return netip.MustParseAddr(s) }

var example = Link{
	Interface: "arc4-vpn", Peer: address("192.0.2.1"), Local: address("10.99.0.100"), Remote: address("10.99.0.1"),
	LocalIPv6: address("fe80::1"), RemoteIPv6: address("fe80::2"), DNS: []netip.Addr{address("9.9.9.9"), address("1.1.1.1"), address("8.8.8.8")},
}

func of(l Link, change func(*Link)) Link {
	change(&l)
	return l
}

func TestArguments(t *testing.T) {
	noRemote := of(example, func(l *Link) { l.Remote = netip.Addr{} })
	for name, test := range map[string]struct {
		link Link
		ipv6 bool
		want string
	}{
		"IPv4":              {example, false, "/hook arc4-vpn 192.0.2.1 0 10.99.0.100 10.99.0.1 vpn"},
		"IPv6":              {example, true, "/hook arc4-vpn 192.0.2.1 0 fe80::1 fe80::2 vpn"},
		"no remote address": {noRemote, false, "/hook arc4-vpn 192.0.2.1 0 10.99.0.100 0.0.0.0 vpn"},
		"a zone": {of(example, func(l *Link) { l.LocalIPv6 = address("fe80::1%eth0") }), true,
			"/hook arc4-vpn 192.0.2.1 0 fe80::1 fe80::2 vpn"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, strings.Join(test.link.arguments("/hook", test.ipv6, "vpn"), " "))
		})
	}
}

func TestEnvironment(t *testing.T) {
	always := []string{
		"DEVICE=192.0.2.1", "IFNAME=arc4-vpn", "LINKNAME=arc4-vpn", "SPEED=0", "ORIG_UID=" + strconv.Itoa(os.Getuid()), "PPPLOGNAME=" + logName(), "PPPD_PID=" + strconv.Itoa(os.Getpid()),
	}
	bare := Link{Interface: "arc4-vpn", Peer: address("192.0.2.1")}
	for name, test := range map[string]struct {
		link    Link
		traffic *Traffic
		want    []string
	}{
		"nothing agreed": {bare, nil, nil},
		"everything": {example, nil, []string{
			"IPLOCAL=10.99.0.100", "IPREMOTE=10.99.0.1", "LLLOCAL=fe80::1", "LLREMOTE=fe80::2", "DNS1=9.9.9.9", "DNS2=1.1.1.1", "USEPEERDNS=1",
		}},
		"one name server": {of(bare, func(l *Link) { l.DNS = []netip.Addr{address("9.9.9.9")} }), nil, []string{"DNS1=9.9.9.9", "USEPEERDNS=1"}},
		"gone": {bare, &Traffic{Connected: 90*time.Second + 900*time.Millisecond, Sent: 1 << 40, Received: 7},
			[]string{"CONNECT_TIME=90", "BYTES_SENT=1099511627776", "BYTES_RCVD=7"}},
		"a user":                 {of(bare, func(l *Link) { l.PeerName = `OFFICE\alice $(reboot)` }), nil, []string{`PEERNAME=OFFICE\alice $(reboot)`}},
		"a line break in a name": {of(bare, func(l *Link) { l.PeerName = "alice\nDNS1=6.6.6.6" }), nil, nil},
		"a zero byte in a name":  {of(bare, func(l *Link) { l.PeerName = "alice\x00" }), nil, nil},
		"no UTF-8 in a name":     {of(bare, func(l *Link) { l.PeerName = "alice\xff" }), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, append(append([]string{}, always...), test.want...), test.link.environment(test.traffic))
		})
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	good, plain := filepath.Join(dir, "good"), filepath.Join(dir, "plain")
	require.NoError(t, os.WriteFile(good, []byte("#!/bin/sh\n"), 0o755))
	require.NoError(t, os.WriteFile(plain, nil, 0o644))
	assert.NoError(t, Check(good))
	for path, want := range map[string]string{
		"ip-up":                      "ip-up: must be a whole path, from / on",
		"":                           ": must be a whole path, from / on",
		plain:                        plain + ": is no file that can be run (chmod +x)",
		dir:                          dir + ": is no file that can be run (chmod +x)",
		filepath.Join(dir, "nobody"): filepath.Join(dir, "nobody") + ": no such file or directory",
	} {
		assert.EqualError(t, Check(path), want)
	}
}
