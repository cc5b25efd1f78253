package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

// runningCandidate is a candidate that is set up.
type runningCandidate interface {
	// bulk sends for a time, as fast as it goes, and returns the bits a second and the bytes that
	// arrived, and TCP's retransmissions.
	bulk(ctx context.Context, d time.Duration) (flow, error)
	// small does the same with packets of 64 bytes.
	small(ctx context.Context, d time.Duration) (flow, error)
	// pinged is what answers ping, and from where.
	pinged() (from *netns.Host, to string)
	close()
}

// measure measures a candidate once.
func measure(ctx context.Context, s runningCandidate, d time.Duration) (measurement, error) {
	var m measurement
	before, err := readCPUTicks()
	if err != nil {
		return m, err
	}
	time.Sleep(500 * time.Millisecond) // for what ran before to end, and to see what else does
	idle, err := readCPUTicks()
	if err != nil {
		return m, err
	}
	m.busy = float64(idle.busy-before.busy+idle.nice-before.nice) / max(1, float64(idle.all-before.all))

	p, err := newPinger(s.pinged())
	if err != nil {
		return m, err
	}
	var pingErr error
	var pinging sync.WaitGroup
	pinging.Go(func() { m.pings, pingErr = p.run(ctx, d) })
	f, err := s.bulk(ctx, d)
	after, err2 := readCPUTicks()
	pinging.Wait()
	if err := errors.Join(err, err2, pingErr); err != nil {
		return m, err
	}
	m.bits, m.retransmits = 8*f.bytes/f.seconds, f.retransmits
	if len(m.pings) == 0 {
		return m, errors.New("no ping came back")
	}
	m.cpu = float64(after.busy-idle.busy) / ticksPerSecond / (f.bytes / 1e9)
	if f, err = s.small(ctx, max(d/2, time.Second)); err != nil {
		return m, err
	}
	m.small = f.packets / f.seconds
	return m, nil
}

func readCPUTicks() (cpuTicks, error) {
	f, err := os.Open("/proc/stat")
	if err != nil {
		return cpuTicks{}, err
	}
	defer f.Close()
	return parseCPUTicks(f)
}

// ipCandidate is a candidate that carries IP.
type ipCandidate struct {
	*pair
	to      string // the far end's address in it
	started []*exec.Cmd
	logs    []*os.File
}

// run starts a program that lasts as long as the candidate, with what it says in a file that is
// shown if it fails.
func (c *ipCandidate) run(h *netns.Host, cmd *exec.Cmd) error {
	log, err := os.CreateTemp("", "benchtunnel")
	if err != nil {
		return err
	}
	c.logs = append(c.logs, log)
	cmd.Stdout, cmd.Stderr = log, log
	if err := h.Start(cmd); err != nil {
		return err
	}
	c.started = append(c.started, cmd)
	return nil
}

// withLogs adds to an error what the programs wrote last.
func (c *ipCandidate) withLogs(err error) error {
	if err == nil {
		return nil
	}
	for _, log := range c.logs {
		text, _ := os.ReadFile(log.Name())
		err = fmt.Errorf("%w\n%s", err, text[max(0, len(text)-2000):])
	}
	return err
}

func (c *ipCandidate) close() {
	for _, cmd := range c.started {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	for _, log := range c.logs {
		_ = log.Close()
		_ = os.Remove(log.Name())
	}
	c.pair.close()
}

func (c *ipCandidate) pinged() (*netns.Host, string) { return c.near, c.to }

func (c *ipCandidate) bulk(ctx context.Context, d time.Duration) (flow, error) {
	return c.iperf(ctx, "-t", strconv.Itoa(int(d.Seconds())))
}

// udpData is the UDP data of an IP packet of 64 bytes.
const udpData = 64 - 20 - 8

func (c *ipCandidate) small(ctx context.Context, d time.Duration) (flow, error) {
	return c.iperf(ctx, "-u", "-b", "0", "-l", strconv.Itoa(udpData), "-t", strconv.Itoa(int(d.Seconds())))
}

// iperf sends from the near end to the far one.
func (c *ipCandidate) iperf(ctx context.Context, args ...string) (flow, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	server := exec.CommandContext(ctx, "iperf3", "-s", "-1", "-B", c.to)
	if err := c.far.Start(server); err != nil {
		return flow{}, err
	}
	defer func() {
		_ = server.Process.Kill() // it has ended, unless the client has failed
		_ = server.Wait()
	}()
	if err := waitForListener(ctx, c.far, net.JoinHostPort(c.to, "5201")); err != nil {
		return flow{}, c.withLogs(err)
	}
	out, err := output(ctx, c.near, "iperf3", append([]string{"-c", c.to, "-J"}, args...)...)
	if err != nil && len(out) == 0 {
		return flow{}, c.withLogs(err)
	}
	f, err := parseFlow(out)
	return f, c.withLogs(err)
}

// waitForListener waits until a socket of a host listens, without connecting to it: the server
// takes one client.
func waitForListener(ctx context.Context, h *netns.Host, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	ip := net.ParseIP(host).To4()
	n, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	// As /proc/net/tcp writes it on a little-endian machine, in state 0A, LISTEN.
	want := fmt.Sprintf("%02X%02X%02X%02X:%04X 00000000:0000 0A", ip[3], ip[2], ip[1], ip[0], n)
	for ctx.Err() == nil {
		var table []byte
		if err := h.Do(func() (err error) { table, err = os.ReadFile("/proc/thread-self/net/tcp"); return err }); err != nil {
			return err
		}
		if strings.Contains(string(table), want) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("iperf3 does not listen on %s", address)
}
