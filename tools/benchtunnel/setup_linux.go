package main

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/klauspost/cpuid/v2"
	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

// tunnelMTU is that of every tunnel here, in bytes.
const tunnelMTU = 1400

// bench is all candidates, set up and idle.
type bench struct{ running []runningCandidate }

func (b *bench) close() {
	for _, s := range b.running {
		s.close()
	}
}

// setUpTimeout bounds how long a tunnel may take to be up.
const setUpTimeout = 30 * time.Second

func open(ctx context.Context, o options, chosen []candidate, say *progress) (*bench, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("network namespaces need root")
	}
	for _, tool := range []string{"iperf3", "ethtool"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("%w: tools/install-test-tools.sh installs what is needed", err)
		}
	}
	b := &bench{}
	for _, c := range chosen {
		say.step("setting up " + c.name)
		s, err := startCandidate(ctx, o, c)
		if err != nil {
			b.close()
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		b.running = append(b.running, s)
	}
	return b, nil
}

// startCandidate builds what a candidate needs, and sets it up.
func startCandidate(ctx context.Context, o options, c candidate) (runningCandidate, error) {
	kind, way, _ := strings.Cut(c.name, "-")
	var program string
	var err error
	switch {
	case c.name == reference:
		program = filepath.Join(o.dir, "wireguard-go")
		err = build(ctx, program, "golang.zx2c4.com/wireguard")
	case kind == "arc4" && o.program != "":
		program = o.program
	case kind == "arc4":
		program = filepath.Join(o.dir, "arc4")
		err = build(ctx, program, "github.com/arc4tun/arc4tun/cmd/arc4")
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, setUpTimeout)
	defer cancel()
	switch {
	case kind == "veth":
		return newVeth(ctx, way == "plain")
	case c.name == reference:
		return newWireGuard(ctx, program)
	case kind == "arc4":
		return newTunnel(ctx, program, way)
	}
	return newBareGRE(way)
}

// build makes a program of a package; Go's cache makes a second time short.
func build(ctx context.Context, program, from string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, from)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", from, err, out)
	}
	return nil
}

// newVeth is the virtual links themselves.
func newVeth(ctx context.Context, plain bool) (runningCandidate, error) {
	p, err := newPair()
	if err != nil {
		return nil, err
	}
	c := &ipCandidate{pair: p, to: farOuter}
	for _, h := range []*netns.Host{p.near, p.far} {
		if !plain {
			break
		}
		if _, err := output(ctx, h, "ethtool", "-K", "wire", "tx", "off", "rx", "off", "tso", "off", "gso", "off", "gro", "off"); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

// newTunnel is a server and a client of this project.
func newTunnel(ctx context.Context, program, way string) (runningCandidate, error) {
	p, err := newPair()
	if err != nil {
		return nil, err
	}
	c := &ipCandidate{pair: p, to: "10.99.0.1"}
	if err := c.startTunnel(ctx, program, way); err != nil {
		err = c.withLogs(err)
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *ipCandidate) startTunnel(ctx context.Context, program, way string) error {
	secrets, err := os.CreateTemp("", "benchtunnel") // mode 0600
	if err != nil {
		return err
	}
	c.logs = append(c.logs, secrets) // to be removed in the end
	if _, err := secrets.WriteString("bench * bench *\n"); err != nil {
		return err
	}
	settings := []string{"--io", way, "--mtu", fmt.Sprint(tunnelMTU), "--status-socket", "none"}
	if way == "clear" {
		settings = []string{"--io", "xsk", "--mppe", "off", "--mtu", fmt.Sprint(tunnelMTU), "--status-socket", "none"}
	}
	serve := exec.Command(program, append([]string{"serve", "--listen", farOuter, "--local-ip", c.to, "--pool", "10.99.0.100-10.99.0.101",
		"--secrets", secrets.Name()}, settings...)...)
	if err := c.run(c.far, serve); err != nil {
		return err
	}
	if err := waitForListener(ctx, c.far, net.JoinHostPort(farOuter, "1723")); err != nil {
		return err
	}
	connect := exec.Command(program, append([]string{"connect", farOuter, "--user", "bench"}, settings...)...)
	connect.Env = append(os.Environ(), "ARC4_PASSWORD=bench")
	if err := c.run(c.near, connect); err != nil {
		return err
	}
	return c.answers(ctx, net.JoinHostPort(c.to, "9"))
}

// newWireGuard is two wireguard-go.
func newWireGuard(ctx context.Context, program string) (runningCandidate, error) {
	p, err := newPair()
	if err != nil {
		return nil, err
	}
	c := &ipCandidate{pair: p, to: "10.98.0.1"}
	if err := c.startWireGuard(ctx, program); err != nil {
		err = c.withLogs(err)
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *ipCandidate) startWireGuard(ctx context.Context, program string) error {
	ends := []guardEnd{
		{host: c.far, device: "wgbench0", inner: c.to, allows: "10.98.0.2/32", peer: nearOuter},
		{host: c.near, device: "wgbench1", inner: "10.98.0.2", allows: c.to + "/32", peer: farOuter},
	}
	for i := range ends {
		key, err := ecdh.X25519().GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		ends[i].key = key
	}
	for i, e := range ends {
		if err := c.startGuardEnd(ctx, program, e, ends[1-i]); err != nil {
			return err
		}
	}
	return c.answers(ctx, net.JoinHostPort(c.to, "9"))
}

// guardEnd is one end of a wireguard-go tunnel.
type guardEnd struct {
	host          *netns.Host
	device, inner string
	allows, peer  string // the other end's addresses, inner and outer
	key           *ecdh.PrivateKey
}

// startGuardEnd starts wireguard-go at one end.
func (c *ipCandidate) startGuardEnd(ctx context.Context, program string, e, other guardEnd) error {
	cmd := exec.Command(program, "-f", e.device)
	cmd.Env = append(os.Environ(), "LOG_LEVEL=error", "WG_PROCESS_FOREGROUND=1")
	if err := c.run(e.host, cmd); err != nil {
		return err
	}
	settings := fmt.Sprintf("set=1\nprivate_key=%x\nlisten_port=51820\npublic_key=%x\nendpoint=%s:51820\nallowed_ip=%s\n\n",
		e.key.Bytes(), other.key.PublicKey().Bytes(), e.peer, e.allows)
	if err := configure(ctx, e.device, settings); err != nil {
		return err
	}
	return e.host.Do(func() error {
		return errors.Join(
			netns.AddAddress(e.device, e.inner+"/24"),
			netns.SetMTU(e.device, tunnelMTU),
			netns.SetUp(e.device))
	})
}

// configure speaks to wireguard-go's socket, once that is there (wireguard.com/xplatform).
func configure(ctx context.Context, device, settings string) error {
	var conn net.Conn
	for {
		var err error
		if conn, err = net.Dial("unix", "/var/run/wireguard/"+device+".sock"); err == nil {
			break
		}
		if ctx.Err() != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(settings)); err != nil {
		return err
	}
	answer := make([]byte, 256)
	n, err := conn.Read(answer)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(answer[:n]), "errno=0") {
		return fmt.Errorf("wireguard-go refuses its settings: %s", strings.TrimSpace(string(answer[:n])))
	}
	return nil
}

// machineName is what the figures are of.
func machineName() string {
	var u unix.Utsname
	_ = unix.Uname(&u)
	return fmt.Sprintf("%s, %d processors, Linux %s", cpuid.CPU.BrandName, runtime.NumCPU(), unix.ByteSliceToString(u.Release[:]))
}
