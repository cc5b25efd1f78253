//go:build linux && !nodns

package nameservice_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
	"github.com/arc4tun/arc4tun/internal/nameservice"
)

// The real systemd-resolved, resolvconf and openresolv, each on a laptop with a cable to its
// network and one to the office, which stands for a tunnel's device. The name servers at both ends
// answer differently, so that a look-up shows who was asked.

const (
	patience = time.Minute

	network = "192.0.2.53"  // the network's name server
	office  = "10.99.0.53"  // the office's
	second  = "172.16.0.53" // that of another office

	byNetwork = "203.0.113.1"
	byOffice  = "203.0.113.2"
	bySecond  = "203.0.113.3"
)

// TestMain is also the program that has a Service, in namespaces that a test chooses.
func TestMain(m *testing.M) {
	if os.Getenv("ARC4_TEST_NAMESERVICE") == "" {
		os.Exit(m.Run())
	}
	service := nameservice.Open(nil)
	for commands := bufio.NewScanner(os.Stdin); commands.Scan(); {
		fmt.Println(obey(service, strings.Fields(commands.Text())))
	}
}

// obey carries out a line and gives one.
func obey(s *nameservice.Service, words []string) string {
	var err error
	switch words[0] {
	case "set", "only":
		want := nameservice.Settings{Device: words[1], Servers: []netip.Addr{netip.MustParseAddr(words[2])}, Domains: words[3:], Only: words[0] == "only"}
		err = s.Set(context.Background(), want)
	case "restore":
		err = s.Restore()
	case "sweep":
		err = nameservice.Sweep(slog.Default())
	case "state":
		by, _ := s.Asked()
		return fmt.Sprint(by, " ", s.Outside())
	}
	if err != nil {
		return err.Error()
	}
	return "ok"
}

// laptop is a machine with one of the ways.
type laptop struct {
	*labtest.Host
	way string
}

// newLaptop gives one where what an unpacked package has is installed.
func newLaptop(t *testing.T, unpackedAs, way string) *laptop {
	t.Helper()
	tree := labtest.Unpacked(t, unpackedAs)
	l := &laptop{Host: labtest.NewHost(t, "laptop"), way: way}
	if err := l.Do(func() error { return labtest.OwnFiles(tree) }); err != nil {
		labtest.Skip(t, "no mounts of one's own here: %v", err)
	}
	for _, c := range []struct{ device, address, peer, server, answer string }{
		{"wire", "192.0.2.2/24", "192.0.2.1/24", network, byNetwork},
		{"arc40", "10.99.0.2/24", "10.99.0.1/24", office, byOffice},
		{"arc41", "172.16.0.2/24", "172.16.0.1/24", second, bySecond},
	} {
		there := labtest.NewHost(t, c.device)
		require.NoError(t, netns.Join(
			netns.End{Host: l.Host.Host, Name: c.device, Address: c.address},
			netns.End{Host: there.Host, Name: c.device, Address: c.peer}))
		there.Must(t, func() error { return netns.AddAddress(c.device, c.server+"/24") })
		answers(t, there, c.server, c.answer)
	}
	return l
}

// answers has a host answer every question about an IPv4 address the same.
func answers(t *testing.T, h *labtest.Host, on, with string) {
	var conn net.PacketConn
	h.Must(t, func() (err error) {
		conn, err = net.ListenPacket("udp4", on+":53")
		return err
	})
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
			if q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
					Body:   &dnsmessage.AResource{A: netip.MustParseAddr(with).As4()},
				}}
			}
			if b, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(b, from)
			}
		}
	}()
}

// run runs one to its end and gives what it wrote.
func (l *laptop) run(t *testing.T, input string, args ...string) string {
	t.Helper()
	said, err := l.try(args, input)
	require.NoError(t, err, "%v: %s", args, said)
	return said
}

func (l *laptop) try(args []string, input string) (string, error) {
	var said strings.Builder
	cmd := exec.Command("/usr/bin/env", args...) // which finds it on the laptop
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &said, &said
	if err := l.Start(cmd); err != nil {
		return "", err
	}
	err := cmd.Wait()
	return said.String(), err
}

// looksUp gives what a program gets for a name, by the C library.
func (l *laptop) looksUp(t *testing.T, name string) string {
	t.Helper()
	said, _ := l.try([]string{"getent", "ahostsv4", name}, "") // no answer is an answer too
	address, _, _ := strings.Cut(said, " ")
	return address
}

// state is all that could be different afterwards.
func (l *laptop) state(t *testing.T) string {
	t.Helper()
	var said strings.Builder
	l.Must(t, func() error {
		for _, dir := range []string{"/etc/resolv.conf*", "/run/resolvconf/interface*/*", "/run/resolvconf/*/*", "/run/arc4/*"} {
			files, err := filepath.Glob(dir)
			if err != nil {
				return err
			}
			for _, f := range files {
				content, _ := os.ReadFile(f)
				target, _ := os.Readlink(f)
				fmt.Fprintf(&said, "%s %q %q\n", f, target, content)
			}
		}
		return nil
	})
	if l.way == "systemd-resolved" {
		for _, what := range []string{"dns", "domain", "default-route", "llmnr", "mdns"} {
			said.WriteString(l.run(t, "", "resolvectl", what))
		}
	}
	return said.String()
}

// service is a process with a Service.
type service struct {
	cmd     *exec.Cmd
	input   io.WriteCloser
	answers *bufio.Scanner
	said    strings.Builder
}

func (l *laptop) service(t *testing.T) *service {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	// The umask of a careful service: what resolvconf makes is read by everybody all the same.
	s := &service{cmd: exec.Command("/bin/sh", "-c", `umask 077; exec "$0"`, self)}
	s.cmd.Env = append(os.Environ(), "ARC4_TEST_NAMESERVICE=1", "GORACE=atexit_sleep_ms=0")
	s.cmd.Stderr = &s.said
	s.input, err = s.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := s.cmd.StdoutPipe()
	require.NoError(t, err)
	s.answers = bufio.NewScanner(out)
	require.NoError(t, l.Start(s.cmd))
	t.Cleanup(func() {
		s.killed()
		if t.Failed() {
			t.Log(s.said.String())
		}
	})
	return s
}

// killed ends the process as nothing can be done about.
func (s *service) killed() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *service) does(t *testing.T, line string) string {
	t.Helper()
	_, err := fmt.Fprintln(s.input, line)
	require.NoError(t, err)
	require.True(t, s.answers.Scan(), "%s: it has ended", line)
	return s.answers.Text()
}

func (s *service) ok(t *testing.T, line string) {
	t.Helper()
	require.Equal(t, "ok", s.does(t, line), line)
}

// withResolved gives a laptop on which systemd-resolved runs, on a bus of its own.
func withResolved(t *testing.T) *laptop {
	t.Helper()
	l := newLaptop(t, "systemd-resolved", "systemd-resolved")
	labtest.StartResolved(t, l.Host)
	require.Eventually(t, func() bool {
		_, err := l.try([]string{"resolvectl", "dns", "wire", network}, "")
		return err == nil
	}, patience, 20*time.Millisecond)
	require.Eventually(t, func() bool { return l.looksUp(t, "www.example.org") == byNetwork }, patience, 20*time.Millisecond)
	return l
}

// withDebians gives a laptop with Debian's resolvconf, and withOpenresolv one with the other.
func withDebians(t *testing.T) *laptop {
	t.Helper()
	l := newLaptop(t, "resolvconf", "resolvconf")
	l.Must(t, func() error {
		// As the package's postinst does.
		if err := os.MkdirAll("/run/resolvconf/interface", 0o755); err != nil {
			return err
		}
		if err := os.Remove("/etc/resolv.conf"); err != nil && !os.IsNotExist(err) {
			return err
		}
		return os.Symlink("../run/resolvconf/resolv.conf", "/etc/resolv.conf")
	})
	l.run(t, "", "resolvconf", "--enable-updates")
	l.run(t, "nameserver "+network+"\n", "resolvconf", "-a", "wire.dhclient")
	return l
}

func withOpenresolv(t *testing.T) *laptop {
	t.Helper()
	l := newLaptop(t, "openresolv", "resolvconf")
	l.run(t, "nameserver "+network+"\n", "resolvconf", "-a", "wire.dhcp")
	return l
}

var laptops = []struct {
	name string
	new  func(*testing.T) *laptop
}{
	{"systemd-resolved", withResolved},
	{"resolvconf", withDebians},
	{"openresolv", withOpenresolv},
}

func TestReal(t *testing.T) {
	for _, tc := range laptops {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l := tc.new(t)
			before := l.state(t)
			require.Equal(t, byNetwork, l.looksUp(t, "www.example.org"))
			s := l.service(t)
			s.ok(t, "only arc40 "+office)
			assert.Equal(t, l.way+" ["+network+"]", s.does(t, "state"))
			assert.Equal(t, byOffice, l.looksUp(t, "www.example.org"))
			s.ok(t, "only arc40 "+office+" office.example")
			assert.Equal(t, byOffice, l.looksUp(t, "files"), "office.example is put behind it")
			assert.Equal(t, byOffice, l.looksUp(t, "files.office.example"))
			if l.way == "systemd-resolved" {
				assert.Equal(t, byNetwork, l.looksUp(t, "www.example.org"), "of another domain")
			}
			s.ok(t, "restore")
			assert.Equal(t, byNetwork, l.looksUp(t, "www.example.org"))
			assert.Equal(t, before, l.state(t))
		})
	}
}

// TestRealOfKilledRuns: the next run takes back what a killed one has left, and nothing of one that
// lives.
func TestRealOfKilledRuns(t *testing.T) {
	for _, tc := range laptops {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l := tc.new(t)
			before := l.state(t)
			killed, lives := l.service(t), l.service(t)
			killed.ok(t, "set arc40 "+office)
			lives.ok(t, "only arc41 "+second+" lab.example")
			killed.killed()
			left := l.state(t)
			require.NotEqual(t, before, left)
			next := l.service(t)
			next.ok(t, "sweep")
			assert.NotEqual(t, left, l.state(t))
			assert.NotContains(t, l.state(t), office)
			assert.Equal(t, bySecond, l.looksUp(t, "files.lab.example"))
			lives.killed()
			next.ok(t, "sweep")
			assert.Equal(t, before, l.state(t))
		})
	}
}

// TestRealThatIsNotUsed: whoever else runs, programs read the file, and so it is the file.
func TestRealThatIsNotUsed(t *testing.T) {
	t.Parallel()
	l := withResolved(t)
	s := l.service(t)
	before := "nameserver " + network + "\n"
	l.Must(t, func() error {
		if err := os.Remove("/etc/resolv.conf"); err != nil {
			return err
		}
		return os.WriteFile("/etc/resolv.conf", []byte(before), 0o644)
	})
	s.ok(t, "only arc40 "+office)
	assert.Equal(t, "/etc/resolv.conf ["+network+"]", s.does(t, "state"))
	assert.Equal(t, byOffice, l.looksUp(t, "www.example.org"))
	s.ok(t, "restore")
	assert.Equal(t, byNetwork, l.looksUp(t, "www.example.org"))
}
