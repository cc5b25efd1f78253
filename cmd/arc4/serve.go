package main

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/memory"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/localend"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/pool"
	"github.com/arc4tun/arc4tun/tunnel/status"
	"github.com/arc4tun/arc4tun/tunnel/trace"
)

const serveLong = `Answer PPTP clients: authenticate them against a chap-secrets file, give each an address from the pool, and route
their packets through one TUN device.

By default only MS-CHAPv2 (in CHAP or EAP) and 128-bit stateless MPPE are accepted; anything weaker needs its flag, which warns. Needs
root, or CAP_NET_ADMIN (the TUN device) and CAP_NET_RAW (GRE). To let clients reach further than this machine, turn
forwarding on (sysctl net.ipv4.ip_forward=1) and, where their addresses are not routed, masquerade them.

The secrets file is pppd's, mode 600, with a line for each user: USER SERVER SECRET ADDRESS, such as

    alice * "correct horse" *

A line without the fourth word allows no address, so that its user cannot connect. "arc4 help secrets-file" tells all.

Every flag can be set by the environment (ARC4_LISTEN=192.0.2.1) and by the file of --config, whose keys are the flags'
names; the command line comes first, then the environment, then the file ("arc4 help profile").

SIGHUP has the file of users read again at once; a login does so when the file has changed. SIGINT, SIGTERM, SIGQUIT and a terminal
that is closed end the server: addresses and routes are taken back, then the clients are told, for at most a second. A
second signal skips the telling.`

const serveExample = `  arc4 serve --listen 192.0.2.1 --local-ip 10.99.0.1 --pool 10.99.0.100-10.99.0.120 --secrets /etc/arc4/chap-secrets
  arc4 serve --listen :1723 --local-ip 10.99.0.1 --pool 10.99.0.0/24 --secrets users --dns 9.9.9.9 --max-sessions 50
  arc4 serve --config /etc/arc4/serve.toml`

// serveFlags are what serve has beyond the flags it shares with connect.
type serveFlags struct {
	tunnelFlags
	configFile  string
	given       given
	guard       guardFlags
	listen      []string
	localIP     string
	pool        string
	secrets     string
	insecure    bool
	name        string
	dns         []string
	nbns        []string
	maxSessions int
	perUser     int
	readers     int
}

func newServeCmd() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:     "serve --listen ADDRESS[:PORT] --local-ip ADDRESS --pool FIRST-LAST --secrets FILE",
		Short:   "Answer PPTP clients",
		Long:    serveLong,
		Example: serveExample,
		Args:    noArguments,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			return readGiven(cmd, &f.given, "config", &f.configFile)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return f.given.Explain(f.run(cmd)) },
	}
	flags := cmd.Flags()
	flags.Var(cmdline.NewList(&f.listen), "listen", "`ADDRESS`, ADDRESS:PORT or :PORT to answer on; port 1723 if none is given; several with commas or by repeating the flag")
	flags.StringVar(&f.localIP, "local-ip", "", "the server's own `ADDRESS` in every tunnel")
	flags.StringVar(&f.pool, "pool", "", "`ADDRESSES` for clients: FIRST-LAST, or NETWORK/BITS")
	flags.StringVar(&f.secrets, "secrets", "", "`FILE` of users and passwords, which nobody else may read (arc4 help secrets-file)")
	flags.BoolVar(&f.insecure, "insecure-secrets", false, "accept a secrets file that others can read")
	flags.StringVar(&f.name, "name", "arc4", "the server's `NAME`, in challenges and in the secrets file's second column")
	flags.Var(cmdline.NewList(&f.dns), "dns", "`ADDRESS` of a name server to offer to clients; two at most, with a comma or by repeating the flag")
	flags.Var(cmdline.NewList(&f.nbns), "wins", "`ADDRESS` of a WINS server to offer to clients; two at most")
	flags.IntVar(&f.maxSessions, "max-sessions", tunnel.DefaultMaxSessions, "`NUMBER` of clients at once, 1 to 65535")
	flags.IntVar(&f.perUser, "sessions-per-user", 0, "`NUMBER` of sessions that a user may have at once; one more ends the user's oldest; 0 is no limit")
	flags.IntVar(&f.readers, "readers", 0, fmt.Sprintf("`NUMBER` of sockets that share the GRE packets of an address by call ID, each with a processor to itself if there are enough, 1 to %d; 0 is one for each processor, 4 at most", gre.MaxReaders))
	flags.StringVar(&f.configFile, "config", "", configUsage)
	f.guard.addFlags(flags)
	f.addFlags(flags, netdev.DefaultName)
	completeBackendFlag(cmd)
	for _, required := range []string{"listen", "local-ip", "pool", "secrets"} {
		if err := cmd.MarkFlagRequired(required); err != nil {
			panic(err) // the flag is defined above
		}
	}
	return cmd
}

// parsed are the flags of serve in their own types.
type parsed struct {
	local     netip.Addr
	local6    netip.Addr // with --ipv6
	pool      *pool.Pool
	users     *users
	dns, nbns []netip.Addr
	options   tunnel.Options
	guard     tunnel.GuardLimits
	listen    []string
}

func (f *serveFlags) run(cmd *cobra.Command) error {
	ctx := cmd.Context()
	log := loggerFrom(ctx)
	signalsFrom(ctx).outliveReaders()
	warnOfStrays(cmd, log)
	plan := f.memory.plan()
	p, err := f.parse(plan, log)
	if err != nil {
		return err
	}
	if err := mayTunnel(); err != nil {
		return err
	}
	log.Info("RC4 backend", "name", p.options.Backend.Name(), "why", f.chosen.why)
	logMemory(log, plan)
	ready := newReadiness(ctx)
	signalsFrom(ctx).undoes()
	signalsFrom(ctx).reloads(ready.reloading(p.users.reload))
	listeners, err := cmdline.ListenOn(p.listen)
	if err != nil {
		return err
	}
	defer cmdline.CloseAll(listeners)
	end, err := localend.NewServer(ctx, localend.ServerConfig{
		Device: f.device, MTU: p.options.MTU, Local: p.local, Local6: p.local6, Routes: p.pool.Prefixes(), Log: log,
	})
	if err != nil {
		return exit.With(exit.CodeOfLocal(err), err)
	}
	defer end.Close()
	p.options.Trace = trace.New(nil)
	hooks := newServerHooks(ctx, f.hooks.Programs, log)
	defer hooks.close()
	server, err := f.newServer(p, listeners, end, hooks, plan)
	if err != nil {
		return err
	}
	stop, err := serveStatus(ctx, f.statusSocket, "serve", p.options.Trace, func() status.Snapshot {
		s := server.Snapshot()
		s.Process.Device, s.Process.BackendWhy, s.Process.Memory = end.Name(), f.chosen.why, memoryStatus(plan)
		return s
	})
	if err != nil {
		return err
	}
	defer stop()
	if f.trace {
		defer startTrace(cmd, p.options.Trace)()
	}
	spareProcessorsForTunnel()
	log.Info("answering", "listen", server.Snapshot().Process.Listen, "pool", f.pool, "local", p.local)
	ready.up("answering on %s", server.Snapshot().Process.Listen)
	tunnelCtx, ended := undoFirst(ctx, ready.stopping(end.Withdraw), server.Abandon)
	defer ended()
	if err := server.Serve(tunnelCtx); err != nil {
		return exit.With(exit.CodeOfClass(tunnel.ClassOf(err)), err)
	}
	return nil
}

// newServer makes the server of the flags.
func (f *serveFlags) newServer(p parsed, listeners []net.Listener, end *localend.Server, hooks *serverHooks, plan memory.Plan) (*tunnel.Server, error) {
	server, err := tunnel.NewServer(tunnel.ServerConfig{
		Options: p.options, Listeners: listeners, Device: end.Device(), LocalIP: p.local, LocalIP6: p.local6, Pool: p.pool,
		Lookup: p.users.find, Explain: p.users.explain, Name: f.name, DNS: p.dns, NBNS: p.nbns, MaxSessions: f.maxSessions,
		SessionsPerUser: f.perUser, Guard: p.guard, Readers: f.readers, Watch: hooks.watch(end.Name()),
		SessionMemory: plan.SessionMemory(),
	})
	if err != nil {
		return nil, exit.Usagef("%s", bare(err))
	}
	return server, nil
}

// parse checks every flag before anything is opened.
func (f *serveFlags) parse(plan memory.Plan, log *slog.Logger) (p parsed, err error) {
	if err := netdev.ValidateName(f.device); err != nil {
		return p, exit.Usagef("--tun: %w", err)
	}
	if p.listen, err = cmdline.ListenAddresses(f.listen); err != nil {
		return p, err
	}
	if p.local, err = cmdline.IPv4("--local-ip", f.localIP); err != nil {
		return p, err
	}
	if p.dns, err = cmdline.IPv4List("--dns", f.dns); err != nil {
		return p, err
	}
	if p.nbns, err = cmdline.IPv4List("--wins", f.nbns); err != nil {
		return p, err
	}
	if f.maxSessions < 1 || f.maxSessions > 65535 {
		return p, exit.Usagef("--max-sessions %d: must be 1 to 65535", f.maxSessions)
	}
	if f.perUser < 0 {
		return p, exit.Usagef("--sessions-per-user %d: must be 1 or more, or 0 for no limit", f.perUser)
	}
	if f.readers < 0 || f.readers > gre.MaxReaders {
		return p, exit.Usagef("--readers %d: must be 1 to %d, or 0 to have as many as suit this machine", f.readers, gre.MaxReaders)
	}
	if p.guard, err = f.guard.limits(); err != nil {
		return p, err
	}
	if f.name == "" || len(f.name) > 255 {
		return p, exit.Usagef("--name %q: must be 1 to 255 bytes", f.name)
	}
	if f.secrets == "" {
		return p, exit.Usagef("--secrets is empty: name the file of users (arc4 help secrets-file)")
	}
	if p.pool, err = pool.Parse(f.pool, p.local); err != nil {
		return p, exit.Usagef("--pool: %w", err)
	}
	for _, listen := range p.listen {
		if err = cmdline.CheckOwnAddresses(listen, p.local, p.pool, log); err != nil {
			return p, err
		}
	}
	if p.options, err = f.options(plan, log); err != nil {
		return p, err
	}
	if f.ipv6 {
		p.local6 = linkLocal()
	}
	p.users, err = openUsers(f.secrets, f.name, f.insecure, p.pool, log)
	return p, err
}

// linkLocal is a link-local address with a random interface identifier that does not claim to be
// unique in the world (RFC 5072 section 4.1).
func linkLocal() netip.Addr {
	a := [16]byte{0: 0xFE, 1: 0x80}
	_, _ = rand.Read(a[8:]) // never fails since Go 1.24
	a[8] &^= 2
	return netip.AddrFrom16(a)
}
