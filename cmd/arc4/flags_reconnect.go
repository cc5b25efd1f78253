package main

import (
	"net/netip"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/localend"
)

// reconnectFlags say when connect dials, when it dials again, and when it ends by itself.
type reconnectFlags struct {
	reconnect      bool
	holdOff        time.Duration
	maxFail        int
	retryAuth      bool
	connectTimeout time.Duration
	idleTimeout    time.Duration
	onDemand       bool
	demandIP       string
	demandLocal    netip.Addr // demandIP, read
}

func (f *reconnectFlags) addFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.reconnect, "reconnect", false, "try again whenever the tunnel ends, after 1s and up to 1m; once it has been up, only a refused login and a login of the user elsewhere end it, before that also what the two ends do not agree on and missing permissions")
	flags.Var(cmdline.NewSpan(&f.holdOff, tunnel.MinHoldOff, tunnel.MaxHoldOff), "hold-off", "with --reconnect: always try again after so many `SECONDS`, 1 to 86400, or sooner if the network changes; left out, the pauses grow")
	flags.IntVar(&f.maxFail, "max-fail", 0, "with --reconnect: end after so many `ATTEMPTS` in a row without a tunnel, with the exit code of the last one; 0 goes on for good")
	flags.BoolVar(&f.retryAuth, "retry-auth", false, "with --reconnect: also after the server has refused the login, once a minute or after --hold-off; servers lock accounts for that")
	flags.Var(cmdline.NewSpan(&f.connectTimeout, tunnel.MinConnectTimeout, tunnel.MaxConnectTimeout), "connect-timeout", "give an attempt up if packets do not pass after so many `SECONDS`, 1 to 3600; left out, each of its steps has its own time")
	flags.Var(cmdline.NewSpan(&f.idleTimeout, tunnel.MinIdleTimeout, tunnel.MaxIdleTimeout), "idle-timeout", "end the tunnel, with exit code 0, when no packet has passed it either way for so many `SECONDS`, 1 to 604800; with --on-demand it goes down, and waits for a packet")
	flags.BoolVar(&f.onDemand, "on-demand", false, "make the device with its routes at once, and the tunnel with the first packet that goes there; what ends it later is tried again with the next one, as with --reconnect")
	flags.StringVar(&f.demandIP, "on-demand-ip", "", "with --on-demand: this machine's `ADDRESS` in the tunnel, where the server always gives the same; packets sent before the first call arrive then; left out, "+localend.DemandAddress.String())
}

// check refuses flags that were given and could not have an effect.
func (f *reconnectFlags) check(cmd *cobra.Command) error {
	if f.maxFail < 0 {
		return exit.Usagef("--max-fail %d: must be 1 or more, or 0 for any number of attempts", f.maxFail)
	}
	if f.demandIP != "" {
		var err error
		if f.demandLocal, err = netip.ParseAddr(f.demandIP); err != nil || !f.demandLocal.Is4() || !f.demandLocal.IsGlobalUnicast() {
			return exit.Usagef("--on-demand-ip %q: must be an IPv4 address of one host, such as 10.99.0.100", f.demandIP)
		}
		if !f.onDemand {
			return exit.Usagef("--on-demand-ip %s has no effect without --on-demand: add that, or leave it out", f.demandIP)
		}
	}
	if f.reconnect || f.onDemand {
		return nil
	}
	for _, name := range []string{"hold-off", "max-fail", "retry-auth"} {
		if flag := cmd.Flags().Lookup(name); flag.Changed {
			return exit.Usagef("--%s %s has no effect without --reconnect: add that, or leave it out", name, flag.Value)
		}
	}
	return nil
}

// into puts the flags into a client's configuration.
func (f *reconnectFlags) into(cfg *tunnel.ClientConfig) {
	cfg.Reconnect, cfg.HoldOff, cfg.MaxFail, cfg.RetryAuth = f.reconnect, f.holdOff, f.maxFail, f.retryAuth
	cfg.ConnectTimeout, cfg.IdleTimeout = f.connectTimeout, f.idleTimeout
}
