package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/report"
	"github.com/arc4tun/arc4tun/tunnel/status"
	"github.com/arc4tun/arc4tun/tunnel/trace"
)

// traceRules are what the help of --trace and that of arc4 trace say of a trace.
const traceRules = `A line is the time, the peer's address, for a PPP frame /CALL (the session's ID in arc4 status), sent or rcvd, and the
packet: a control message by its name in RFC 2637, a frame as pppd's debug option shows it. What was not believed says
why. Packets with data are not shown; their numbers are when a session ends.

Passwords, challenges, what is made from them and keys are never shown, only how long they are: with a challenge and its
answer a password can be searched for. Names are. Text from the peer is quoted. A peer that says too much is cut to five
lines a second, and a line says how many were left out.`

const traceLong = `trace shows what running tunnels, clients and servers, say to their peers from now on: every control message and every
PPP control frame (LCP, PAP, CHAP, EAP, CCP, IPCP, IPv6CP and what else comes), both ways, in words. It is what one needs first
with an odd old server. To see a set-up from its first packet, start the tunnel with --trace.

` + traceRules + `

The command goes on until it is interrupted, which is no failure. It ends with code 1 when no tunnel is running, or when
all that it watched have ended.`

// traceOptions are the flags.
type traceOptions struct {
	socket string
	peer   string
	json   bool
}

func newTraceCmd() *cobra.Command {
	var opts traceOptions
	cmd := &cobra.Command{
		Use:   "trace",
		Short: "Show what running tunnels say to their peers, in words",
		Long:  traceLong,
		Example: `  arc4 trace
  arc4 trace --peer 198.51.100.7
  arc4 trace --status-socket /run/arc4/serve.sock --json | jq -r .text`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			peer, err := opts.parse(cmd.Flags().Changed("status-socket"), cmd.Flags().Changed("peer"))
			if err != nil {
				return err
			}
			return opts.run(cmd.Context(), cmd.OutOrStdout(), peer)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.socket, "status-socket", "", "trace the tunnel behind this `SOCKET` alone; left out, all tunnels of this user")
	flags.StringVar(&opts.peer, "peer", "", "only what is said with this `ADDRESS`, the outer one of a client or server")
	flags.BoolVar(&opts.json, "json", false, "JSON, one object a line: socket, time, peer, session, text")
	if err := cmd.RegisterFlagCompletionFunc("status-socket", completeSockets); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

// parse checks the flags.
func (o traceOptions) parse(socketGiven, peerGiven bool) (peer netip.Addr, err error) {
	if socketGiven && o.socket == "" {
		return peer, exit.Usagef("--status-socket is empty: name a socket, or leave the flag out for all of them")
	}
	if !peerGiven {
		return peer, nil
	}
	peer, err = netip.ParseAddr(o.peer)
	if err != nil || !peer.Unmap().Is4() {
		return peer, exit.Usagef("--peer %q: must be an IPv4 address, such as 198.51.100.7", o.peer)
	}
	return peer.Unmap(), nil
}

func (o traceOptions) run(ctx context.Context, out io.Writer, peer netip.Addr) error {
	sockets := []string{o.socket}
	if o.socket == "" {
		var err error
		if sockets, err = status.List(status.DefaultDir()); err != nil {
			return err
		}
	}
	p := tracePrinter{out: out, json: o.json, named: len(sockets) > 1}
	var all errgroup.Group
	answered := make(chan struct{}, len(sockets))
	for _, socket := range sockets {
		all.Go(func() error {
			err := status.Trace(ctx, socket, peer, func(l trace.Line) error { return p.print(socket, l) })
			if o.socket == "" && errors.Is(err, status.ErrNoTunnel) {
				return nil // a tunnel that was killed has left it
			}
			answered <- struct{}{}
			return err
		})
	}
	err := all.Wait()
	if err == nil && ctx.Err() == nil && len(answered) == 0 {
		return fmt.Errorf("%w: nothing answers in %s", status.ErrNoTunnel, status.DefaultDir())
	}
	return err
}

// longestTrace has room for every line of ours, in characters.
const longestTrace = 2000

// tracePrinter writes the lines of several tunnels.
type tracePrinter struct {
	json  bool
	named bool // each line begins with the tunnel's name

	mu  sync.Mutex
	out io.Writer
}

func (p *tracePrinter) print(socket string, l trace.Line) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	if p.json {
		err = json.NewEncoder(p.out).Encode(struct {
			Socket string `json:"socket"`
			trace.Line
		}{socket, l})
	} else {
		l.Time, l.Text = l.Time.Local(), report.PrintableUpTo(l.Text, longestTrace)
		name := ""
		if p.named {
			name = strings.TrimSuffix(filepath.Base(socket), ".sock") + " "
		}
		_, err = fmt.Fprintln(p.out, name+l.String())
	}
	if err != nil {
		return fmt.Errorf("cannot write the trace: %w", err)
	}
	return nil
}
