//go:build !nocheck

package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/diagnosis"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/probe"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/report"
	"github.com/arc4tun/arc4tun/tunnel"
)

const checkLong = `Go through what can fail between this machine and a PPTP server, one line a step, and say what to do about it: name,
route, TCP, the server's answer, the call, GRE each way, PPP, login, encryption, addresses; then, by LCP echoes, the largest
packet that passes whole, round trip, loss and disorder, and which --reorder-policy suits.

It changes nothing on this machine: no device, no routes, no name servers. A server that counts sessions counts this one for
some seconds. Without a user nobody logs in; the path is measured all the same. What connect would take or refuse, check
does: --auth, --mppe and --mtu are connect's, and --profile NAME takes all of it from a profile.

ok and warn pass; after FAIL the steps behind it are not tried, and the exit code is the one connect would end with. --json
writes one object when all is done, or when control-C ends it: server, exit_code, steps (step, state: ok, warn, fail or
skipped, text, remedy) and, if it was measured, path (mtu, echoes, returned, lost_there, late_back, late_there,
rtt_median_ms, rtt_p95_ms).

Needs root or CAP_NET_RAW, for GRE.`

const checkExample = `  arc4 check vpn.example.net
  arc4 check alice@vpn.example.net --password-file ~/.arc4-password
  arc4 check --profile office
  arc4 check 192.0.2.1 --user alice --json | jq -r '.steps[] | select(.state == "fail") | .remedy'`

// borrowed are the flags of connect that check has too.
var borrowed = []string{"user", "password-file", "insecure-secrets", "profile", "connect-timeout", "auth", "mppe", "mppe-stateful", "mtu"}

// Bounds of --echoes.
const (
	defaultEchoes = 100
	maxEchoes     = 10000
)

// checkFlags are the command's: connect's, by which profiles and the environment reach it, and some
// of its own.
type checkFlags struct {
	*connectFlags
	connect *cobra.Command
	json    bool
	echoes  int
}

func newCheckCmd() *cobra.Command {
	var f checkFlags
	f.connect, f.connectFlags = newConnect()
	cmd := &cobra.Command{
		Use:     "check [USER@]SERVER[:PORT]",
		Short:   "Find out why a tunnel does not come up, or is slow",
		Long:    checkLong,
		Example: checkExample,
		Args:    oneServer,
		PreRunE: func(*cobra.Command, []string) error {
			return readGiven(f.connect, &f.given, "profile", &f.profile)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := f.given.argument(args)
			if err != nil {
				return err
			}
			o, err := f.options(cmd, server)
			if err != nil {
				return f.given.Explain(err)
			}
			return f.run(cmd, o)
		},
	}
	for _, name := range borrowed {
		cmd.Flags().AddFlag(f.connect.Flags().Lookup(name))
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "one JSON object in the end, instead of lines")
	cmd.Flags().IntVar(&f.echoes, "echoes", defaultEchoes, "`NUMBER` of LCP echoes that measure the path, 10 to 10000")
	return cmd
}

// options turns the flags into those of a walk, as connect would.
func (f *checkFlags) options(cmd *cobra.Command, server string) (probe.Options, error) {
	address, err := f.parseServer(f.connect.Flags(), server)
	o := probe.Options{Server: address, User: f.user, MTU: f.mtu, Echoes: f.echoes, Limit: f.redial.connectTimeout}
	switch {
	case err != nil:
		return o, err
	case f.echoes < 10 || f.echoes > maxEchoes:
		return o, exit.Usagef("--echoes %d: must be 10 to %d", f.echoes, maxEchoes)
	case f.mtu < tunnel.MinMTU || f.mtu > tunnel.MaxMTU:
		return o, exit.Usagef("--mtu %d: must be %d to %d bytes (%d suits most paths)", f.mtu, tunnel.MinMTU, tunnel.MaxMTU, tunnel.DefaultMTU)
	case len(f.user) > longestUser:
		return o, exit.Usagef("--user: the name is %d bytes long: %d at most", len(f.user), longestUser)
	case f.user == "" && cmd.Flags().Changed("password-file"):
		return o, exit.Usagef("--password-file has no effect without a user: add USER@ before the server or --user, or leave it out")
	}
	if o.MPPE, err = f.encryption(); err != nil {
		return o, err
	}
	if o.Auth, err = f.methods(o.MPPE.Mode, slog.New(slog.DiscardHandler)); err != nil {
		return o, err // what is weak, the steps say
	}
	if f.user != "" {
		o.Password, _, err = passwordSource{f.passwordFile, f.insecure, f.given.password}.read(cmd.Context(), f.user, cmd.ErrOrStderr())
	}
	return o, err
}

// run walks, shows what is found as it is, and ends with the exit code of the first failure.
func (f *checkFlags) run(cmd *cobra.Command, o probe.Options) error {
	ctx := cmd.Context()
	show := report.NewCheck(cmd.OutOrStdout(), o.Server, f.json)
	code := exit.OK
	o.Begun = show.Begin
	o.Judged = func(v diagnosis.Verdict) {
		if v.State == diagnosis.Fail && code == exit.OK {
			code = exit.CodeOfClass(v.Class)
		}
		show.Verdict(v)
	}
	facts := probe.Run(ctx, o)
	interrupted := ctx.Err() != nil
	if interrupted && code == exit.OK {
		code = exit.Failure
	}
	if err := show.End(facts, code, interrupted); err != nil {
		return err
	}
	if code != exit.OK {
		return exit.With(code, exit.ErrReported)
	}
	return nil
}
