package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/localend"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/status"
	"github.com/arc4tun/arc4tun/tunnel/trace"
)

const connectLong = `Connect to a PPTP server and carry IP through the tunnel until interrupted.

By default only MS-CHAPv2 (in CHAP or EAP) and 128-bit stateless MPPE are accepted; anything weaker needs its flag, which warns. The
password comes from --password-file, else from the environment variable ARC4_PASSWORD, else from a prompt, never from an
argument. The prompt comes again, twice at most, if the server takes what was typed for wrong.

Without --route and --default-route only the server's own address in the tunnel is reached through it, and that only if it
is a private one that this machine does not reach by another way. A tunnel address for this machine that a neighbour, a
gateway or a name server could have is refused.

Name servers that the server offers are asked while the tunnel is up, if they are reached through it: systemd-resolved is
told, or resolvconf, or else /etc/resolv.conf is replaced, and put back in the end. --dns off leaves all that as it is.

What carries the tunnel cannot enter it, whatever becomes of routes, links and addresses: it leaves by the interface that
leads to the server. The server's name is looked up around the tunnel. arc4 status shows the way. --default-route does not
touch the default route: what carries the tunnel has a firewall mark, and policy rules have all else looked up in a table of
the tunnel's own, after what the main table has besides its default route. Rules with a smaller priority come first as before.
Where the kernel has no rules, and with --table main, the routes go to the main table, and a host route leads to the server.

--kill-switch lets nothing leave outside the tunnel, by a table of nftables that is there before the first packet is sent.
Names are looked up by connect itself then, not by a resolver of this machine, whose questions do not leave. After kill -9, and
after a tunnel that was up has failed, the table stays until the next arc4 connect or arc4 down NAME.

SIGINT (control-C), SIGTERM, SIGQUIT and SIGHUP (a terminal that is closed) end the tunnel: routes and addresses are taken
back, then the server is told, for at most a second. A second signal skips the telling. After nohup SIGHUP does nothing.

Every flag can be set by the environment (ARC4_MTU=1300) and, with --profile NAME, by a file whose keys are the flags' names;
the command line comes first, then the environment, then the file. There, --reconnect is the default. "arc4 help profile"
tells where it lies and what it may hold; --save writes one.

USER may be DOMAIN\user, and have an @ in it: the last one is what stands before SERVER. --user is another way to give it.

Needs root, or CAP_NET_ADMIN (the TUN device) and CAP_NET_RAW (GRE). PORT is that of TCP, 1723 if none is given.` + proxyLong

const connectExample = `  arc4 connect alice@vpn.example.net --password-file ~/.arc4-password
  arc4 connect 192.0.2.1 --user 'OFFICE\alice' --route 10.0.0.0/8 --reconnect
  arc4 connect --profile office                             # flags out of /etc/arc4/office.toml (arc4 help profile)
  arc4 connect 192.0.2.1 --user alice --route 10.0.0.0/8 --on-demand --idle-timeout 300
  arc4 connect alice@192.0.2.1 --default-route --exclude-route 192.168.0.0/16
` + proxyExample + captureExample + `  ARC4_PASSWORD=... arc4 connect 192.0.2.1 --user alice --default-route --backend unrolled
  arc4 connect 192.0.2.1 --user alice --mppe off --auth pap  # an old box, all in clear`

// connectFlags are what connect has beyond the flags it shares with serve.
type connectFlags struct {
	tunnelFlags
	profileFlags
	given        given
	user         string
	passwordFile string
	insecure     bool
	route        routeFlags
	killSwitch   killSwitch
	dns          dnsFlags
	redial       reconnectFlags
	capture      captureFlags
	proxy        proxyFlags
	ask          func(context.Context) (string, error) // for another password, if the first was typed
}

func newConnectCmd() *cobra.Command {
	cmd, _ := newConnect()
	return cmd
}

// newConnect makes the command, and what its flags say.
func newConnect() (*cobra.Command, *connectFlags) {
	var f connectFlags
	cmd := &cobra.Command{
		Use:     "connect [USER@]SERVER[:PORT]",
		Short:   "Connect to a PPTP server",
		Long:    connectLong,
		Example: connectExample,
		Args:    oneServer,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			return readGiven(cmd, &f.given, "profile", &f.profile)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := f.given.argument(args)
			if err != nil {
				return err
			}
			if err := f.consistent(cmd); err != nil {
				return f.given.Explain(err)
			}
			return f.given.Explain(f.run(cmd, server))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.user, "user", "", "user `NAME`, instead of USER@SERVER; DOMAIN\\user where the server wants it")
	flags.StringVar(&f.passwordFile, "password-file", "", "`FILE` with the password in its first line, which nobody else may read")
	flags.BoolVar(&f.insecure, "insecure-secrets", false, "accept a password file that others can read")
	f.route.addFlags(flags)
	f.killSwitch.addFlag(flags)
	f.dns.addFlags(flags)
	f.redial.addFlags(flags)
	f.capture.addFlags(flags)
	f.proxy.addFlags(flags)
	f.tunnelFlags.addFlags(flags, netdev.DefaultName)
	f.profileFlags.addFlags(flags)
	completeBackendFlag(cmd)
	return cmd, &f
}

func oneServer(_ *cobra.Command, args []string) error {
	if len(args) < 2 {
		return nil // the server may be given elsewhere
	}
	return exit.Usagef("%q: one server at a time", args[1])
}

// announce gives the function that says that the tunnel is up, and has it saved.
func announce(log *slog.Logger, end clientEnd, s *saver, ready *readiness) func(bool, tunnel.Network) {
	return func(up bool, n tunnel.Network) {
		if up {
			device := cmp.Or(end.Device(), "none")
			log.Info("tunnel is up", "device", device, "local", n.Local, "remote", n.Remote, "mtu", n.MTU, "mppe", n.Encrypted, "dns", n.DNS)
			ready.up("up: %v on %s", n.Local, cmp.Or(end.Device(), "a proxy"))
			s.save()
		}
	}
}

// timeSuspended is how long this machine has been suspended since it was started; nil: its clocks
// say. Tests have another.
var timeSuspended func() time.Duration

func (f *connectFlags) run(cmd *cobra.Command, server string) error {
	ctx := cmd.Context()
	log := loggerFrom(ctx)
	signalsFrom(ctx).outliveReaders()
	warnOfStrays(cmd, log)
	plan := f.memory.plan()
	plan.PutOff(os.LookupEnv)
	local, err := f.localEnd(log)
	if err != nil {
		return err
	}
	var logins *logins
	saver, err := f.newSaver(cmd, server, func() string { return logins.cfg.Password })
	if err != nil {
		return err
	}
	cfg, err := f.config(cmd, server, plan)
	if err != nil {
		return err
	}
	release, err := f.given.claim(ctx)
	if err != nil {
		return err
	}
	defer release()
	record, log, err := f.capture.open(cmd, server, log)
	if err != nil {
		return err
	}
	defer record.close(log)
	ready := newReadiness(ctx)
	logMemory(log, plan)
	signalsFrom(ctx).undoes()
	hooks := newClientHooks(ctx, f.hooks.Programs, log)
	local.BeforeUp = hooks.beforeUp()
	defer f.killSwitch.down(log) // the last of all
	end, err := f.makeEnd(ctx, local, plan)
	if err != nil {
		return err
	}
	defer end.Close()
	total := func() status.Traffic { return logins.client().Snapshot().Totals.Traffic }
	cfg.Changed, cfg.Trace = f.killSwitch.follow(hooks.follow(announce(log, end, saver, ready), end, total)), trace.New(nil)
	end.Attach(&cfg)
	record.attach(&cfg)
	ready.follow(&cfg, end.Device)
	logins, err = newLogins(cfg, f.ask)
	if err != nil {
		return err
	}
	if err := f.permitted(); err != nil {
		return err
	}
	stop, err := serveStatus(ctx, f.statusSocket, socketName(f.given.profile), cfg.Trace, func() status.Snapshot {
		return f.snapshot(logins.client(), end, plan)
	})
	if err != nil {
		return err
	}
	defer stop()
	if f.trace {
		defer startTrace(cmd, cfg.Trace)()
	}
	defer closeAtPanic(end) // nothing that waits for a part of the tunnel may come before this
	spareProcessorsForTunnel()
	tunnelCtx, ended := undoFirst(ctx, ready.stopping(end.Withdraw), func() { logins.client().Abandon() })
	err = logins.run(tunnelCtx)
	f.killSwitch.ending(ctx, err)
	ended()
	hooks.close()
	return connectEnd(ctx, err)
}

// makeEnd makes the local end. Beside a device it takes away what killed runs have left; a proxy
// changes nothing on this machine.
func (f *connectFlags) makeEnd(ctx context.Context, c localend.ClientConfig, plan memory.Plan) (clientEnd, error) {
	if f.proxy.wanted() {
		return f.proxy.localEnd(ctx, c, plan.Small)
	}
	end := localend.NewClient(c)
	if err := f.killSwitch.up(c, end, c.Log); err != nil {
		end.Close()
		return nil, err
	}
	removeLeftovers(c.Log) // the kill switch of another run among them, of which ours takes the place
	return end, nil
}

// permitted is what this process lacks for the tunnel.
func (f *connectFlags) permitted() error {
	if f.proxy.wanted() {
		return f.proxy.permitted()
	}
	return mayTunnel()
}

// localEnd turns the flags into what the local end is made of, but for the hooks.
func (f *connectFlags) localEnd(log *slog.Logger) (localend.ClientConfig, error) {
	c := localend.ClientConfig{
		Device: f.device, Log: log, Suspended: timeSuspended,
		OnDemand: f.redial.onDemand, DemandLocal: f.redial.demandLocal,
	}
	if err := f.route.into(&c, f.ipv6); err != nil {
		return c, err
	}
	if f.proxy.wanted() {
		return c, nil // name service stays as it is
	}
	if err := f.dns.into(&c, log); err != nil {
		return c, err
	}
	f.killSwitch.into(&c)
	return c, nil
}

// snapshot is what arc4 status shows of a client.
func (f *connectFlags) snapshot(c *tunnel.Client, end clientEnd, plan memory.Plan) status.Snapshot {
	s := c.Snapshot()
	s.Process.Device, s.Process.BackendWhy, s.Process.Memory = end.Device(), f.chosen.why, memoryStatus(plan)
	s.Process.Profile = f.given.profile
	s.SetWay(end.Way())
	s.Names, s.Proxy = f.dns.status(), f.proxy.status()
	return s
}

// closeAtPanic is to be deferred: it puts everything back before the program dies of a panic.
func closeAtPanic(end clientEnd) {
	if v := recover(); v != nil {
		end.Close()
		panic(v)
	}
}

// connectEnd is what connect ends with, out of what the client did: a signal is no failure, nor is
// idleness that ends the tunnel because the user wants it to.
func connectEnd(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, errNoPassword):
		return err
	case ctx.Err() != nil:
		return nil
	case tunnel.ClassOf(err) == tunnel.ClassIdle:
		loggerFrom(ctx).Info("ending", "reason", err)
		return nil
	}
	return exit.With(exit.CodeOfClass(tunnel.ClassOf(err)), err)
}

// consistent refuses flags that were given and could not have an effect.
func (f *connectFlags) consistent(cmd *cobra.Command) error {
	flags := cmd.Flags()
	if err := f.proxy.check(cmd, &f.dns); err != nil {
		return err
	}
	switch {
	case flags.Changed("password-file") && f.passwordFile == "":
		return exit.Usagef("--password-file is empty: name the file, or leave the flag out to be asked")
	case f.insecure && f.passwordFile == "" && f.given.password == nil && !flags.Changed("proxy-password-file"):
		return exit.Usagef("--insecure-secrets has no effect without --password-file: name the file, or leave it out")
	case f.redial.onDemand && !f.route.leads():
		return exit.Usagef("--on-demand has no effect without routes to the tunnel, which no packet would go to: add --route or --default-route")
	}
	if err := f.route.check(cmd, f.killSwitch.wanted); err != nil {
		return err
	}
	if err := f.killSwitch.check(); err != nil {
		return err
	}
	if err := f.capture.check(cmd); err != nil {
		return err
	}
	return f.redial.check(cmd)
}

// longestUser is what CHAP and PAP have room for, in bytes (RFC 1334 section 2.2.1).
const longestUser = 255

// config turns the flags into a client's configuration. Only when all of them are well does it ask
// for the password.
func (f *connectFlags) config(cmd *cobra.Command, server string, plan memory.Plan) (tunnel.ClientConfig, error) {
	log := loggerFrom(cmd.Context())
	address, err := f.parseServer(cmd.Flags(), server)
	switch {
	case err != nil:
		return tunnel.ClientConfig{}, err
	case f.user == "" && isProfile(server):
		return tunnel.ClientConfig{}, exit.Usagef("no user: give USER@SERVER or --user NAME; for the profile %s, --profile %s or arc4 up %s", server, server, server)
	case f.user == "":
		return tunnel.ClientConfig{}, exit.Usagef("no user: give USER@SERVER or --user NAME")
	case len(f.user) > longestUser:
		return tunnel.ClientConfig{}, exit.Usagef("--user: the name is %d bytes long: %d at most", len(f.user), longestUser)
	}
	if err := netdev.ValidateName(f.device); err != nil {
		return tunnel.ClientConfig{}, exit.Usagef("--tun: %w", err)
	}
	o, err := f.options(plan, log)
	if err != nil {
		return tunnel.ClientConfig{}, err
	}
	source := passwordSource{f.passwordFile, f.insecure, f.given.password}
	if !source.kept() && term.IsTerminal(int(os.Stdin.Fd())) {
		// Nobody should type a password for nothing.
		if err := f.permitted(); err != nil {
			return tunnel.ClientConfig{}, err
		}
	}
	password, asked, err := source.read(cmd.Context(), f.user, cmd.ErrOrStderr())
	if err != nil {
		return tunnel.ClientConfig{}, err
	}
	if asked {
		f.ask = func(ctx context.Context) (string, error) { return askPassword(ctx, f.user, cmd.ErrOrStderr()) }
	}
	log.Info("RC4 backend", "name", o.Backend.Name(), "why", f.chosen.why)
	cfg := tunnel.ClientConfig{Options: o, Server: address, User: f.user, Password: password, RequestDNS: true}
	f.redial.into(&cfg)
	return cfg, nil
}

// parseServer reads what connect is to connect to, and with it the user.
func (f *connectFlags) parseServer(flags *pflag.FlagSet, server string) (address string, err error) {
	user, server, named := cmdline.SplitUser(server)
	if named {
		if f.user, err = f.given.user(flags, user, f.user); err != nil {
			return "", err
		}
	}
	address, err = cmdline.ParseServer(server)
	if err != nil && rankOf(f.given.serverFrom) != rankCommandLine {
		err = exit.Usagef("%s: %w", f.given.serverFrom, err)
	}
	return address, err
}
