//go:build !nodemo

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/report"
	"github.com/arc4tun/arc4tun/internal/lab"
	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

const demoLong = `demo shows the tunnel at work on a link that reorders packets. It brings up a server and a client in this process,
with an encrypted tunnel (MS-CHAPv2, MPPE-128 stateless) between them, and moves TCP from the server to the client
three times: over a constant delay, over a delay with jitter, and over the same jitter without the reorder window,
which is what the Linux kernel's own PPTP driver does.

On Linux the two hosts are network namespaces, with the kernel's TCP and raw GRE sockets. That takes root, or a user
namespace, which is made where the system allows it; elsewhere, or with --userspace, they are TCP/IP stacks in this
process. The link is emulated in this process too; delay and jitter are those of the way from the server to the client.
Nothing stays behind.

The line has a rate, so that it, and not this machine's processor, is what limits the tunnel. With --rate 0 the
processor does; and because a window that puts packets in order makes each as late as the slowest before it, a TCP
window of 256 KB alone then costs a quarter of 3 ms at 3±1 ms.`

const demoExample = `  arc4 demo
  arc4 demo --seconds 10 --delay 50ms --jitter 20ms --window 1048576
  arc4 demo --userspace --json
  arc4 demo --backend reference --rate 0`

// demoOptions are the flags of demo.
type demoOptions struct {
	seconds       time.Duration
	delay, jitter time.Duration
	rate          string
	window        int
	backend       string
	userspace     bool
	json          bool
	memory        memoryFlag
}

const (
	maxDemoDelay  = 2 * time.Second
	minDemoWindow = 4 << 10
	maxDemoWindow = 64 << 20
	// smallDemoQueue is how many packets are on a link at once where memory is small: twice what
	// 100 Mbit/s need for 100 ms.
	smallDemoQueue = 2048
)

// demoNeeds is what a demo takes beside the program itself, with a TCP window of 256 KB.
var demoNeeds = memory.Need{Small: 20 * memory.MiB, Normal: 44 * memory.MiB}

func newDemoCmd() *cobra.Command {
	o := demoOptions{seconds: 4 * time.Second}
	cmd := &cobra.Command{
		Use:     "demo",
		Short:   "Show an encrypted tunnel on a link that reorders, with and without the window",
		Long:    demoLong,
		Example: demoExample,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.Var((*cmdline.Seconds)(&o.seconds), "seconds", "how long to measure each of the three: seconds, or a duration such as 500ms")
	f.DurationVar(&o.delay, "delay", 3*time.Millisecond, "one-way delay of the link, 2s at most")
	f.DurationVar(&o.jitter, "jitter", time.Millisecond, "how far the delay of a packet is from that, at most: more than 0, and --delay at most")
	f.StringVar(&o.rate, "rate", "100mbit", "`RATE` of the line, such as 100mbit or 1gbit; 0 for no limit")
	f.IntVar(&o.window, "window", 256<<10, "TCP window in `BYTES`")
	f.StringVar(&o.backend, "backend", "auto", backendUsage)
	f.BoolVar(&o.userspace, "userspace", false, "use TCP/IP stacks in this process even where network namespaces can be had")
	f.BoolVar(&o.json, "json", false, "one JSON object")
	o.memory.addFlag(f)
	completeBackendFlag(cmd)
	return cmd
}

// links turns the flags into the link with and without its jitter, or names the flag that is wrong.
func (o *demoOptions) links() (constant, jittery link.Config, err error) {
	switch {
	case o.delay < 0 || o.delay > maxDemoDelay:
		return constant, jittery, exit.Usagef("--delay %v: must be 0s to %v", o.delay, maxDemoDelay)
	case o.jitter <= 0 || o.jitter > maxDemoDelay:
		return constant, jittery, exit.Usagef("--jitter %v: must be more than 0s (nothing would be reordered), %v at most", o.jitter, maxDemoDelay)
	case o.jitter > o.delay:
		return constant, jittery, exit.Usagef("--jitter %v: must not exceed --delay %v: no packet arrives before it was sent", o.jitter, o.delay)
	case o.window < minDemoWindow || o.window > maxDemoWindow:
		return constant, jittery, exit.Usagef("--window %d: must be %d to %d bytes (262144 is 256 KB)", o.window, minDemoWindow, maxDemoWindow)
	}
	if o.rate != "0" {
		if len(strings.Fields(o.rate)) == 1 {
			constant, err = link.Parse("rate " + o.rate)
		} else {
			err = errors.New("want a rate with its unit")
		}
		if err != nil {
			return constant, jittery, exit.Usagef("--rate %q: give a rate from 1kbit to 1000gbit, such as 100mbit, or 0 for none", o.rate)
		}
	}
	constant.Delay = o.delay
	jittery = constant
	jittery.Jitter = o.jitter
	return constant, jittery, nil
}

func (o *demoOptions) run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	constant, jittery, err := o.links()
	if err != nil {
		return err
	}
	if _, err := lookupBackend(o.backend); err != nil {
		return err
	}
	plan := o.memory.plan()
	if err := demoNeeds.Check(plan); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if plan.Small {
		constant.Limit, jittery.Limit = smallDemoQueue, smallDemoQueue
	}
	cfg, done, err := laboratory(ctx, o.userspace, plan.Small)
	if done {
		return err
	}
	r := &report.Demo{Version: versionString(), Seconds: o.seconds.Seconds(), WindowBytes: o.window, RateBits: constant.Rate}
	cfg.Backend, r.BackendWhy = o.choose()
	r.Backend = cfg.Backend.Name()
	l, err := lab.New(ctx, cfg)
	if err != nil {
		return err
	}
	// The table comes after everything is taken down, so that what it says last is the end.
	err = errors.Join(o.measure(ctx, l, r, constant, jittery, stdout, stderr), l.Close())
	if ctx.Err() != nil {
		return errors.New("interrupted: the tunnel and its network are taken down, and nothing is left behind")
	}
	if err != nil {
		return err
	}
	if o.json {
		return r.WriteJSON(stdout)
	}
	return r.WriteTables(stdout)
}

// choose gives the backend and says why it is that one.
func (o *demoOptions) choose() (b *arc4.Backend, why string) {
	selected, why := arc4.Selected()
	b, err := arc4.Lookup(o.backend)
	if err != nil || b == selected && (o.backend == "auto" || o.backend == "") {
		return selected, why
	}
	return b, "--backend"
}

// measure fills the report's rows.
func (o *demoOptions) measure(ctx context.Context, l *lab.Lab, r *report.Demo, constant, jittery link.Config, stdout, stderr io.Writer) error {
	r.Mode, r.ModeWhy = l.Mode().String(), l.Why()
	if !o.json {
		r.WriteHead(stdout)
	}
	rows := []struct {
		link   link.Config
		policy reorder.Policy
	}{{constant, reorder.Order}, {jittery, reorder.Order}, {jittery, reorder.Drop}}
	p := report.NewProgress(stderr, time.Duration(len(rows))*o.seconds)
	defer p.End()
	for _, row := range rows {
		p.Begin(fmt.Sprintf("%s, %s", report.LinkText(row.link), report.PolicyText(row.policy)), o.seconds)
		if err := l.StartTunnel(ctx, lab.TunnelConfig{Reorder: reorder.Config{Policy: row.policy}}); err != nil {
			return err
		}
		if err := l.SetLink(row.link, link.Config{Rate: row.link.Rate}); err != nil {
			return err
		}
		stop := p.Tick()
		got, err := l.Measure(ctx, lab.Transfer{Path: lab.Tunnel, Duration: o.seconds, TCP: lab.TCP{Window: o.window}})
		stop()
		if err != nil {
			return err
		}
		server, client, _ := l.Snapshots()
		if err := r.Add(row.link, row.policy, got, server, client); err != nil {
			return err
		}
	}
	return nil
}
