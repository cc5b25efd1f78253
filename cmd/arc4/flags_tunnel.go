package main

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/internal/uplink"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/localend"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// tunnelFlags are what connect and serve share.
type tunnelFlags struct {
	backend      string
	backendCache string
	chosen       chosenBackend // by options
	mppe         string
	stateful     string
	linuxReset   bool
	reserve      int
	auth         []string
	ipv6         bool
	mtu          int
	window       int
	timeout      time.Duration
	policy       string
	echoInterval time.Duration
	echoFailures int
	device       string
	io           string
	statusSocket string
	trace        bool
	hooks        hookFlags
	memory       memoryFlag
}

// maxEchoFailures is the largest --echo-failures.
const maxEchoFailures = 1000

// maxReserve is the largest --mppe-reserve; it takes 13 MB a session.
const maxReserve = 4096

func (f *tunnelFlags) addFlags(flags *pflag.FlagSet, device string) {
	f.mppe, f.stateful, f.policy, f.io = "require-128", "never", "order", "auto"
	flags.StringVar(&f.backend, "backend", "auto", backendUsage)
	flags.StringVar(&f.backendCache, "backend-cache", "", backendCacheUsage)
	flags.Var(cmdline.NewChoice(&f.mppe, "require-128", "require", "allow", "off"), "mppe", "encryption: `MODE` is require-128, require (40 and 56 bits too), allow (clear text too) or off")
	flags.Var(cmdline.NewChoice(&f.stateful, "never", "allow", "require"), "mppe-stateful", "stateful MPPE, which one lost packet stalls: `MODE` is never, allow or require")
	flags.BoolVar(&f.linuxReset, "mppe-linux-reset", false, "with --mppe-stateful: change the key at a reset as the Linux kernel does, against RFC 3078")
	flags.IntVar(&f.reserve, "mppe-reserve", 0, "make keys and keystream for so many `PACKETS` of each direction ahead, on a processor that has nothing else to do (1.5 KB each)")
	flags.Var(cmdline.NewList(&f.auth, "mschapv2", "eap"), "auth", "authentication `METHODS`, preferred first, with commas: mschapv2, eap (EAP-MSCHAPv2), chap-md5, pap")
	flags.BoolVar(&f.ipv6, "ipv6", false, "negotiate IPv6 in the tunnel too (link-local addresses)")
	flags.IntVar(&f.mtu, "mtu", tunnel.DefaultMTU, fmt.Sprintf("largest IP packet in the tunnel, %d to %d `BYTES`", tunnel.MinMTU, tunnel.MaxMTU))
	flags.StringVar(&f.device, "tun", device, "`NAME` of the TUN device; %d becomes the first free number")
	flags.IntVar(&f.window, "reorder-window", reorder.DefaultSize, fmt.Sprintf("how many `PACKETS` the reorder window reaches over, a power of two, %d at most", reorder.MaxSize))
	flags.DurationVar(&f.timeout, "reorder-timeout", reorder.DefaultTimeout, "how long a packet waits for a missing one at most, 1ms to 10s; less where less has been enough lately")
	flags.Var(cmdline.NewChoice(&f.policy, "order", "drop", "immediate"), "reorder-policy", "packets that overtake each other: `POLICY` is order (early ones wait), immediate (all pass as they come) or drop (late ones are thrown away, as the Linux kernel does)")
	flags.DurationVar(&f.echoInterval, "echo-interval", ppp.DefaultEchoInterval, "silence of the peer after which an LCP Echo-Request is sent; after --echo-failures times as long the tunnel ends; 0 sends none, and a dead peer stays unnoticed")
	flags.IntVar(&f.echoFailures, "echo-failures", ppp.DefaultEchoFailures, fmt.Sprintf("`NUMBER` of --echo-interval without a sign of life that end the tunnel, 1 to %d", maxEchoFailures))
	flags.Var(cmdline.NewChoice(&f.io, uplink.Modes...), "io", "how GRE is sent: `WAY` is raw (by the kernel), xsk or packet (at half the cost, past its output rules, its queueing discipline and tcpdump), or auto (the cheapest that the peer's acknowledgments prove to work)")
	f.hooks.addFlags(flags)
	f.memory.addFlag(flags)
	flags.BoolVar(&f.trace, "trace", false, "write every control message and PPP control frame to standard error, both ways, in words, without passwords, challenges and keys; arc4 trace does so at run time")
	flags.StringVar(&f.statusSocket, "status-socket", "", "where arc4 status asks: a `PATH`, or none for no socket; left out, a socket that arc4 status finds")
}

// options turns the flags into tunnel options, or names the flag that is wrong.
func (f *tunnelFlags) options(plan memory.Plan, log *slog.Logger) (tunnel.Options, error) {
	o := tunnel.Options{
		Small: plan.Small, LinuxReset: f.linuxReset, Reserve: f.reserve, IPv6: f.ipv6, MTU: f.mtu, EchoInterval: f.echoInterval, EchoFailures: f.echoFailures, Log: log,
	}
	if f.echoInterval == 0 {
		o.EchoInterval = -1
	}
	if f.echoInterval < 0 {
		return o, exit.Usagef("--echo-interval %v: must not be negative (30s, or 0 for none)", f.echoInterval)
	}
	if f.echoFailures < 1 || f.echoFailures > maxEchoFailures {
		return o, exit.Usagef("--echo-failures %d: must be 1 to %d (with --echo-interval 0 no echo is sent)", f.echoFailures, maxEchoFailures)
	}
	if err := f.hooks.check(f.ipv6); err != nil {
		return o, err
	}
	if f.mtu < tunnel.MinMTU || f.mtu > tunnel.MaxMTU {
		return o, exit.Usagef("--mtu %d: must be %d to %d bytes (%d suits most paths)", f.mtu, tunnel.MinMTU, tunnel.MaxMTU, tunnel.DefaultMTU)
	}
	if f.ipv6 && f.mtu < netdev.MinMTU6 {
		return o, exit.Usagef("--mtu %d: IPv6 needs at least %d bytes; raise it, or leave --ipv6 out", f.mtu, netdev.MinMTU6)
	}
	if f.reserve < 0 || f.reserve > maxReserve {
		return o, exit.Usagef("--mppe-reserve %d: must be 0 to %d packets (0 is no reserve)", f.reserve, maxReserve)
	}
	var err error
	if o.IO, err = gre.ParseMode(f.io); err != nil {
		return o, exit.Usagef("--io %w", err)
	}
	if o.Reorder, err = f.reorder(); err != nil {
		return o, err
	}
	if o.MPPE, err = f.encryption(); err != nil {
		return o, err
	}
	if f.chosen, err = chooseBackend(f.backend, f.backendCache, log); err != nil {
		return o, err
	}
	o.Backend = f.chosen.Backend
	o.Auth, err = f.methods(o.MPPE.Mode, log)
	return o, err
}

func reorderWindowError(window int) error {
	return fmt.Errorf("--reorder-window %d: must be a power of two (2048, 4096, ...), %d at most", window, reorder.MaxSize)
}

func (f *tunnelFlags) reorder() (reorder.Config, error) {
	switch {
	case f.window < 2 || f.window > reorder.MaxSize || f.window&(f.window-1) != 0:
		return reorder.Config{}, exit.Usagef("%w", reorderWindowError(f.window))
	case f.timeout < time.Millisecond || f.timeout > 10*time.Second:
		return reorder.Config{}, exit.Usagef("--reorder-timeout %v: must be 1ms to 10s (333ms suits most links)", f.timeout)
	}
	policy, err := reorder.ParsePolicy(f.policy)
	return reorder.Config{Size: f.window, Timeout: f.timeout, Policy: policy}, err
}

func (f *tunnelFlags) encryption() (ppp.MPPEPolicy, error) {
	mode, err := ppp.ParseMPPEMode(f.mppe)
	if err != nil {
		return ppp.MPPEPolicy{}, exit.Usagef("--mppe: %w", err)
	}
	stateful := map[string]ppp.StatefulMode{
		"never": ppp.StatefulNever, "allow": ppp.StatefulAllowed, "require": ppp.StatefulRequired,
	}[f.stateful]
	switch {
	case f.linuxReset && stateful == ppp.StatefulNever:
		return ppp.MPPEPolicy{}, exit.Usagef("--mppe-linux-reset has no effect with --mppe-stateful never, which is the default: add --mppe-stateful allow or require, or leave it out")
	case mode == ppp.Off && stateful != ppp.StatefulNever:
		return ppp.MPPEPolicy{}, exit.Usagef("--mppe-stateful %s has no effect with --mppe off: leave one of them out", f.stateful)
	}
	return ppp.MPPEPolicy{Mode: mode, Stateful: stateful}, nil
}

// methods reads --auth and warns of what is weaker than the default.
func (f *tunnelFlags) methods(mode ppp.MPPEMode, log *slog.Logger) ([]ppp.AuthMethod, error) {
	var methods []ppp.AuthMethod
	for _, name := range f.auth {
		m, err := ppp.ParseAuthMethod(strings.TrimSpace(name))
		if err != nil {
			return nil, exit.Usagef("--auth: %w", err)
		}
		if !m.GivesKeys() && (mode == ppp.Require128 || mode == ppp.Require) {
			return nil, exit.Usagef("--auth %s: gives no encryption keys, and --mppe is %s: add --mppe allow or --mppe off, or leave it out", name, f.mppe)
		}
		methods = append(methods, m)
	}
	if len(methods) == 0 {
		return nil, exit.Usagef("--auth: names no method: use mschapv2, eap, chap-md5 or pap")
	}
	f.warn(methods, mode, log)
	return methods, nil
}

// warn says, once and at the start, what this tunnel does not protect from.
func (f *tunnelFlags) warn(methods []ppp.AuthMethod, mode ppp.MPPEMode, log *slog.Logger) {
	log.Warn("PPTP is not secure: a recorded login gives its keys away, and packets can be altered on the way; send nothing through it that is not encrypted already")
	switch mode {
	case ppp.Off:
		log.Warn("--mppe off: everything in the tunnel travels in clear")
	case ppp.Allow:
		log.Warn("--mppe allow: if the peer does not encrypt, everything in the tunnel travels in clear")
	case ppp.Require:
		log.Warn("--mppe require: keys of 40 and 56 bits are accepted, which anyone can search")
	}
	if f.stateful != "never" {
		log.Warn("stateful MPPE: a lost packet stalls the tunnel, and forged packets can break it", "mppe_stateful", f.stateful)
	}
	for _, m := range methods {
		switch m {
		case ppp.PAP:
			log.Warn("--auth pap: the password travels in clear")
		case ppp.CHAPMD5:
			log.Warn("--auth chap-md5: the server does not prove that it knows the password, and nothing is encrypted")
		}
	}
}

// mayTunnel is what this process lacks for a tunnel, with its exit code.
func mayTunnel() error {
	err := localend.Permitted()
	return exit.With(exit.CodeOfLocal(err), err)
}
