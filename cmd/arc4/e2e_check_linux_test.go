//go:build !nocheck

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/internal/lab/memnet"
	"github.com/arc4tun/arc4tun/internal/lab/netns"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/pool"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// checkbed is a client and a server with a router between them.
type checkbed struct {
	*testbed
	router *machine
}

func newCheckbed(t *testing.T) *checkbed {
	t.Helper()
	if _, err := exec.LookPath("nft"); err != nil {
		labtest.Skip(t, "what breaks the way are rules of nft: %v", err)
	}
	b := &checkbed{&testbed{server: newMachine(t, "server"), client: newMachine(t, "client")}, newMachine(t, "router")}
	require.NoError(t, netns.Join(
		netns.End{Host: b.client.Host.Host, Name: "wire", Address: behindNAT + "/24"},
		netns.End{Host: b.router.Host.Host, Name: "lan", Address: insideNAT + "/24"}))
	require.NoError(t, netns.Join(
		netns.End{Host: b.router.Host.Host, Name: "wan", Address: clientOuter + "/24"},
		netns.End{Host: b.server.Host.Host, Name: "wire", Address: serverOuter + "/24"}))
	b.client.Must(t, func() error { return netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(insideNAT)}) })
	b.server.Must(t, func() error { return netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(clientOuter)}) })
	b.router.Must(t, func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) })
	return b
}

// filter adds rules to a chain of a machine at a hook of IPv4.
func (m *machine) filter(t *testing.T, hook string, priority int, rules ...string) {
	t.Helper()
	chain := fmt.Sprintf("%s%d", hook, priority+1000)
	lines := []string{"add table ip broken", fmt.Sprintf("add chain ip broken %s { type filter hook %s priority %d; }", chain, hook, priority)}
	for _, rule := range rules {
		lines = append(lines, "add rule ip broken "+chain+" "+rule)
	}
	m.Must(t, func() error {
		for _, line := range lines {
			if out, err := exec.Command("nft", line).CombinedOutput(); err != nil {
				return fmt.Errorf("nft %s: %w: %s", line, err, out)
			}
		}
		return nil
	})
}

// narrow has the router send on 1,400 bytes in one piece at most, both ways, and keep quiet about
// the rest.
func (b *checkbed) narrow(t *testing.T) {
	b.router.Must(t, func() error {
		for name, to := range map[string]string{"lan": behindNAT, "wan": serverOuter} {
			err := labtest.Change(name, func(l netlink.Link) error {
				return netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Dst: prefix(to + "/32"), MTU: 1400, MTULock: true, Scope: netlink.SCOPE_LINK})
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	b.router.filter(t, "output", 0, "ip protocol icmp drop")
}

// only40 serves with keys of 40 bits.
func (b *checkbed) only40(t *testing.T) {
	t.Helper()
	var listener net.Listener
	b.server.Must(t, func() (err error) {
		listener, err = net.Listen("tcp4", net.JoinHostPort(serverOuter, fmt.Sprint(tunnel.Port)))
		return err
	})
	addresses, err := pool.Parse("10.99.0.100-10.99.0.102")
	require.NoError(t, err)
	server, err := tunnel.NewServer(tunnel.ServerConfig{
		Options:   tunnel.Options{MPPE: ppp.MPPEPolicy{Mode: ppp.Require, Strengths: []int{40}}},
		Listeners: []net.Listener{listener}, Device: memnet.NewDevice(), LocalIP: netip.MustParseAddr(tunnelLocal), Pool: addresses,
		Lookup: func(string) (tunnel.Account, bool) {
			return tunnel.Account{Account: ppp.Account{Password: "wonderland"}}, true
		},
		ListenGRE: func(local netip.Addr) (conn gre.Conn, err error) {
			return conn, errors.Join(b.server.Do(func() error { conn, err = gre.Listen(local, gre.Options{IO: gre.ModeRaw}); return err }))
		},
	})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx) }()
	t.Cleanup(func() { stop(); <-done })
}

// speaksSSH listens on the port of PPTP and says what a server of SSH says.
func (b *checkbed) speaksSSH(t *testing.T) {
	t.Helper()
	var listener net.Listener
	b.server.Must(t, func() (err error) {
		listener, err = net.Listen("tcp4", net.JoinHostPort(serverOuter, fmt.Sprint(tunnel.Port)))
		return err
	})
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("SSH-2.0-OpenSSH_9.2p1\r\n"))
			t.Cleanup(func() { conn.Close() })
		}
	}()
}

// check starts arc4 check against the server.
func (b *checkbed) check(t *testing.T, server, password string, args ...string) *program {
	t.Helper()
	cmd := command(t, append([]string{"check", server, "--json"}, args...)...)
	if password != "" {
		cmd.Env = append(cmd.Env, "ARC4_PASSWORD="+password, "ARC4_USER=alice")
	}
	return b.client.run(t, cmd)
}

// checked gives what is in the JSON of arc4 check, and its exit code.
func (p *program) checked(t *testing.T) (checked, int) {
	t.Helper()
	code := p.wait(t)
	var c checked
	require.NoError(t, json.Unmarshal([]byte(p.stdout.String()), &c), p.stdout.String()+p.stderr.String())
	assert.Equal(t, code, c.ExitCode)
	assert.Empty(t, p.stderr.String())
	return c, code
}

// checked is what --json writes.
type checked struct {
	ExitCode int `json:"exit_code"`
	Steps    []struct{ Step, State, Text, Remedy string }
	Path     struct {
		MTU, Echoes, Returned int
		LateBack              int     `json:"late_back"`
		LateThere             int     `json:"late_there"`
		Median                float64 `json:"rtt_median_ms"`
	}
}

// states are the steps of each state.
func (c checked) states() map[string][]string {
	states := map[string][]string{}
	for _, s := range c.Steps {
		if s.State == "warn" && s.Step == "loss" {
			continue // processors of one machine, too, bring packets out of order
		}
		states[s.State] = append(states[s.State], s.Step)
	}
	return states
}

// says is what one step says, with its remedy.
func (c checked) says(step string) string {
	for _, s := range c.Steps {
		if s.Step == step {
			return s.Text + "\n" + s.Remedy
		}
	}
	return ""
}

// brokenSetups are what arc4 check has to name.
var brokenSetups = []struct {
	name     string
	prepare  func(*testing.T, *checkbed)
	serve    []string // flags of arc4 serve; nil: prepare sees to it
	server   string   // if it is not serverOuter
	password string   // if it is not alice's; -: nobody logs in
	flags    []string
	code     int
	fails    []string // the steps
	warns    []string
	words    map[string]string // of steps, with the remedy
}{
	{name: "nothing", serve: []string{"--dns", "10.99.0.53"},
		words: map[string]string{
			"name": "192.0.2.1 is an address", "route": "by wire from 192.168.7.2, next hop 192.168.7.1, MTU 1500", "PPTP": `vendor "arc4"`,
			"methods": "MS-CHAPv2", "MPPE": "128 bits, stateless", "addresses": "this end is 10.99.0.10", "MTU": "1400 bytes in the tunnel pass whole", "loss": "of 100 echoes lost",
		}},
	{name: "no login", serve: []string{}, password: "-",
		words: map[string]string{"login": "no user was given", "MPPE": "not tried", "MTU": "1400 bytes in the tunnel pass whole", "round trip": "median"}},
	{name: "GRE dropped out", serve: []string{}, code: exit.Network, fails: []string{"GRE sent"},
		prepare: func(t *testing.T, b *checkbed) { b.router.filter(t, "forward", 0, "iifname lan ip protocol gre drop") },
		words:   map[string]string{"GRE sent": "blocked on the way there\n.*nf_conntrack_pptp.*protocol 47", "GRE received": "the server's packets come"}},
	{name: "GRE dropped in", serve: []string{}, code: exit.Network, fails: []string{"GRE received"},
		prepare: func(t *testing.T, b *checkbed) { b.router.filter(t, "forward", 0, "iifname wan ip protocol gre drop") },
		words:   map[string]string{"GRE sent": "the server hears us", "GRE received": "blocked on the way back\n.*nf_conntrack_pptp"}},
	{name: "GRE dropped both ways", serve: []string{}, code: exit.Network, fails: []string{"GRE sent", "GRE received"},
		prepare: func(t *testing.T, b *checkbed) { b.router.filter(t, "forward", 0, "ip protocol gre drop") },
		words:   map[string]string{"GRE sent": "no answer to GRE.*blocked on the way there\n.*nft insert rule", "GRE received": "nothing at all came"}},
	{name: "GRE dropped in by this machine", serve: []string{}, code: exit.Network, fails: []string{"GRE received"},
		prepare: func(t *testing.T, b *checkbed) { b.client.filter(t, "input", 0, "ip protocol gre drop") },
		words:   map[string]string{"GRE received": "this machine's firewall drops them\non this machine: nft insert rule"}},
	{name: "GRE dropped out by this machine", serve: []string{}, code: exit.Network, fails: []string{"GRE sent"},
		prepare: func(t *testing.T, b *checkbed) { b.client.filter(t, "output", 0, "ip protocol gre drop") },
		words:   map[string]string{"GRE sent": "this machine's firewall drops what is sent"}},
	{name: "GRE rejected", serve: []string{}, code: exit.Network, fails: []string{"GRE sent"},
		prepare: func(t *testing.T, b *checkbed) {
			b.router.filter(t, "forward", 0, "iifname lan ip protocol gre reject with icmp admin-prohibited")
		},
		words: map[string]string{"GRE sent": "192.168.7.1 answers with ICMP: prohibited by a filter"}},
	{name: "wrong password", serve: []string{}, password: "looking-glass", code: exit.Auth, fails: []string{"login"},
		words: map[string]string{"login": "691.*\n.*lock accounts", "GRE received": "come"}},
	{name: "CHAP refused", serve: []string{"--auth", "pap", "--mppe", "off"}, code: exit.Policy, fails: []string{"methods"},
		words: map[string]string{"methods": `the server asks for PAP, and here MS-CHAPv2, EAP-MSCHAPv2 is accepted\nhave the server offer MS-CHAPv2.*--auth pap --mppe off`}},
	{name: "MPPE missing", serve: []string{"--mppe", "off"}, code: exit.Policy, fails: []string{"MPPE"},
		words: map[string]string{"login": "MS-CHAPv2", "MPPE": "the server does not encrypt.*\n.*require-mppe-128"}},
	{name: "40 bits only", prepare: func(t *testing.T, b *checkbed) { b.only40(t) }, code: exit.Policy, fails: []string{"MPPE"},
		words: map[string]string{"MPPE": "offers 40 bits only, and 128 are required here\n.*--mppe require"}},
	{name: "40 bits only, which are accepted", prepare: func(t *testing.T, b *checkbed) { b.only40(t) }, flags: []string{"--mppe", "require"}, warns: []string{"MPPE"},
		words: map[string]string{"MPPE": "40 bits, stateless\n.*can be searched"}},
	{name: "MTU 1400 without ICMP", serve: []string{}, warns: []string{"MTU"}, prepare: func(t *testing.T, b *checkbed) { b.narrow(t) },
		words: map[string]string{"MTU": "up to 1356 bytes in the tunnel pass whole, larger ones in fragments only, and no ICMP says so: a black hole\n--mtu 1356"}},
	{name: "MTU 1400 without ICMP and fragments", serve: []string{}, code: exit.Network, fails: []string{"MTU"}, prepare: func(t *testing.T, b *checkbed) {
		b.router.filter(t, "forward", 0, "ip protocol gre meta length > 1400 drop")
	}, words: map[string]string{"MTU": "more than 1356 bytes in the tunnel vanish.*black hole\n--mtu 1356"}},
	{name: "name unknown", server: serverName, code: exit.Network, fails: []string{"name"},
		prepare: func(t *testing.T, b *checkbed) {
			b.client.resolves(t, serverOuter)
			b.server.nameServer(t, serverOuter, serverOuter).knows("another.example.net")
		},
		words: map[string]string{"name": "vpn.example.net: no such host, says 192.0.2.1"}},
	{name: "a name, and port closed", server: serverName, code: exit.Network, fails: []string{"TCP"},
		prepare: func(t *testing.T, b *checkbed) {
			b.client.resolves(t, serverOuter)
			b.server.nameServer(t, serverOuter, serverOuter)
		},
		words: map[string]string{"name": "vpn.example.net is 192.0.2.1, says 192.0.2.1", "TCP": "192.0.2.1:1723 refuses"}},
	{name: "port filtered", serve: []string{}, flags: []string{"--connect-timeout", "2"}, code: exit.Network, fails: []string{"TCP"},
		prepare: func(t *testing.T, b *checkbed) { b.router.filter(t, "forward", 0, "tcp dport 1723 drop") },
		words:   map[string]string{"TCP": "no answer within .*: filtered on the way"}},
	{name: "server unreachable", server: "192.0.2.77", code: exit.Network, fails: []string{"TCP"},
		words: map[string]string{"TCP": "192.0.2.77:1723 is unreachable: no route to host"}},
	{name: "not a PPTP server", prepare: func(t *testing.T, b *checkbed) { b.speaksSSH(t) }, code: exit.Network, fails: []string{"PPTP"},
		words: map[string]string{"PPTP": "what it says is SSH"}},
	{name: "an address of this network", serve: []string{"--pool", "192.168.7.100-192.168.7.110"}, code: exit.Policy, fails: []string{"addresses"},
		words: map[string]string{"addresses": "192.168.7.1.., which is in .*192.168.7.0/24.*connect refuses"}},
	{name: "pool exhausted", serve: []string{"--pool", "10.99.0.100"}, code: exit.Network, fails: []string{"addresses"},
		prepare: func(t *testing.T, b *checkbed) {
			cmd := command(t, "connect", serverOuter, "--user", "bob", "--status-socket", "none")
			cmd.Env = append(cmd.Env, "ARC4_PASSWORD=builder")
			b.router.run(t, cmd).up(t)
		},
		words: map[string]string{"login": "MS-CHAPv2", "addresses": "the server has no address to give.*\nthe server's addresses or places are used up"}},
}

// TestE2ECheck: each broken set-up is named, and what stands before it passes.
func TestE2ECheck(t *testing.T) {
	for _, s := range brokenSetups {
		t.Run(s.name, func(t *testing.T) {
			b := newCheckbed(t)
			if s.serve != nil {
				b.serve(t, s.serve...)
			}
			if s.prepare != nil {
				s.prepare(t, b)
			}
			before := b.client.snapshot(t)
			server, password := serverOuter, "wonderland"
			if s.server != "" {
				server = s.server
			}
			if s.password != "" {
				password = strings.Trim(s.password, "-")
			}
			// Most of the time is waiting, which all do at once.
			p := b.check(t, server, password, s.flags...)
			t.Parallel()
			c, code := p.checked(t)
			states := c.states()
			assert.Equal(t, s.code, code)
			assert.Equal(t, s.fails, states["fail"], "%+v", c.Steps)
			assert.Equal(t, s.warns, states["warn"], "%+v", c.Steps)
			for step, pattern := range s.words {
				assert.Regexp(t, pattern, c.says(step), step)
			}
			if len(s.fails) > 0 {
				assert.NotEmpty(t, strings.SplitN(c.says(s.fails[0]), "\n", 2)[1], "no remedy")
				last := slices.IndexFunc(c.Steps, func(v struct{ Step, State, Text, Remedy string }) bool { return v.Step == s.fails[len(s.fails)-1] })
				for _, later := range c.Steps[last+1:] {
					if s.fails[0] != "MTU" && later.Step != "GRE received" {
						assert.Equal(t, "skipped", later.State, later.Step)
					}
				}
			}
			assert.Equal(t, before, b.client.snapshot(t), "something has been changed")
		})
	}
}

// shuffles has the router hold each packet of GRE back for a moment of its own.
func (b *checkbed) shuffles(t *testing.T) {
	t.Helper()
	b.router.filter(t, "forward", 0, "ip protocol gre drop") // what is here passes by another way
	for _, way := range []struct{ from, by string }{{behindNAT, "wan"}, {serverOuter, "lan"}} {
		in, out := -1, -1
		b.router.Must(t, func() (err error) {
			ip := binary.NativeEndian.Uint16([]byte{unix.ETH_P_IP >> 8, unix.ETH_P_IP & 0xFF})
			if in, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(ip)); err != nil {
				return err
			}
			if err := unix.SetsockoptTimeval(in, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}); err != nil {
				return err
			}
			if out, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW); err != nil {
				return err
			}
			return unix.BindToDevice(out, way.by)
		})
		from := netip.MustParseAddr(way.from).As4()
		var sending sync.WaitGroup
		sending.Go(func() {
			buf := make([]byte, 2048)
			for t.Context().Err() == nil {
				n, link, err := unix.Recvfrom(in, buf, 0)
				if from, is := link.(*unix.SockaddrLinklayer); err != nil || n < 20 || is && from.Pkttype == unix.PACKET_OUTGOING {
					continue
				}
				if buf[9] != unix.IPPROTO_GRE || [4]byte(buf[12:16]) != from {
					continue
				}
				packet := bytes.Clone(buf[:n])
				sending.Add(1)
				time.AfterFunc(rand.N(30*time.Millisecond), func() {
					defer sending.Done()
					_ = unix.Sendto(out, packet, 0, &unix.SockaddrInet4{Addr: [4]byte(packet[16:20])})
				})
			}
		})
		t.Cleanup(func() {
			sending.Wait()
			_, _ = unix.Close(in), unix.Close(out)
		})
	}
}

// TestE2ECheckDisorder: across a router that shuffles packets, disorder is seen both ways.
func TestE2ECheckDisorder(t *testing.T) {
	b := newCheckbed(t)
	b.serve(t)
	b.shuffles(t)
	p := b.check(t, serverOuter, "wonderland", "--echoes", "200")
	t.Parallel()
	c, code := p.checked(t)
	assert.Equal(t, exit.OK, code)
	assert.Positive(t, c.Path.LateBack)
	assert.Positive(t, c.Path.LateThere)
	assert.Equal(t, 1400, c.Path.MTU)
	assert.Regexp(t, `late on the way back.*there\n--reorder-policy order`, c.says("loss"))
}

// TestE2ECheckLines: what people see, as the last line too; a user without capabilities but
// CAP_NET_RAW may check, one without it hears so.
func TestE2ECheckLines(t *testing.T) {
	t.Parallel()
	b := newCheckbed(t)
	b.serve(t)
	run := func(capabilities ...uintptr) *program {
		cmd := nobody(t, "check", "alice@"+serverOuter)
		cmd.Env = append(cmd.Env, "ARC4_PASSWORD=wonderland")
		cmd.SysProcAttr.AmbientCaps = capabilities
		return b.client.run(t, cmd)
	}
	p := run(unix.CAP_NET_RAW)
	require.Equal(t, exit.OK, p.wait(t))
	lines := strings.Split(strings.TrimSpace(p.stdout.String()), "\n")
	assert.Len(t, lines, 15, "a line each, no remedy")
	for _, line := range lines {
		assert.Regexp(t, `^ok    \S`, line)
	}
	assert.NotContains(t, p.stdout.String(), "\x1b", "it is no terminal")
	assert.NotContains(t, p.stdout.String(), "wonderland")

	p = run()
	require.Equal(t, exit.Permission, p.wait(t))
	assert.Regexp(t, `(?m)^FAIL  GRE sent +.*CAP_NET_RAW`, p.stdout.String())
	b.server.noSessions(t)
}

// TestE2ECheckInterrupted: what was found until control-C is there.
func TestE2ECheckInterrupted(t *testing.T) {
	t.Parallel()
	b := newCheckbed(t)
	b.serve(t)
	b.router.filter(t, "forward", 0, "ip protocol gre drop")
	p := b.client.start(t, "check", serverOuter)
	waitFor(t, "the call", func() error {
		if !strings.Contains(p.stdout.String(), "call ") {
			return errors.New(p.stdout.String())
		}
		return nil
	})
	p.signal(t, syscall.SIGINT)
	require.Equal(t, exit.Failure, p.wait(t))
	assert.Regexp(t, `(?s)^ok    name .*--    interrupted; not tried: GRE sent, GRE received, LCP`, p.stdout.String())
}

// TestE2ECheckTerminal: a terminal shows what is being tried, on the line that the verdict takes.
func TestE2ECheckTerminal(t *testing.T) {
	t.Parallel()
	b := newCheckbed(t)
	b.serve(t)
	cmd := command(t, "check", serverOuter)
	cmd.Env = append(cmd.Env, "TERM=xterm")
	x := onTerminal(t, cmd)
	require.Equal(t, exit.OK, b.client.run(t, cmd).wait(t))
	waitFor(t, "the last line", func() error {
		if !strings.Contains(x.screen.String(), "echoes lost") {
			return errors.New(x.screen.String())
		}
		return nil
	})
	for _, step := range []string{"name", "GRE sent", "MTU", "round trip"} {
		assert.Regexp(t, `\r\x1b\[K\.\.\.   `+step+`\r\x1b\[Kok    `+step+` `, x.screen.String())
	}
}
