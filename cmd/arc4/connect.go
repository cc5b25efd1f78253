package main

import (
	"errors"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

const connectLong = `Connect to a PPTP server and carry IP through the tunnel until interrupted.

By default only MS-CHAPv2 and 128-bit stateless MPPE are accepted; anything weaker needs its flag, which warns. The
password comes from --password-file, from the environment variable ARC4_PASSWORD or from a prompt, never from an
argument. Needs CAP_NET_ADMIN (the TUN device) and CAP_NET_RAW (GRE). Name servers that the server offers are shown,
not written to resolv.conf.`

const connectExample = `  arc4 connect vpn.example.net --user alice --password-file ~/.arc4-password
  arc4 connect 192.0.2.1 --user 'OFFICE\alice' --route 10.0.0.0/8 --route 172.16.0.0/12 --reconnect
  ARC4_PASSWORD=... arc4 connect 192.0.2.1 --user alice --default-route --backend unrolled
  arc4 connect 192.0.2.1 --user alice --mppe off --auth pap      # an old box, all in clear`

// connectFlags are what connect has beyond the flags it shares with serve.
type connectFlags struct {
	tunnelFlags
	user         string
	passwordFile string
	insecure     bool
	routes       []string
	defaultRoute bool
	reconnect    bool
}

func newConnectCmd() *cobra.Command {
	var f connectFlags
	cmd := &cobra.Command{
		Use:     "connect SERVER[:PORT]",
		Short:   "Connect to a PPTP server",
		Long:    connectLong,
		Example: connectExample,
		Args:    oneServer,
		RunE:    func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.user, "user", "", `user name; DOMAIN\user where the server wants it`)
	flags.StringVar(&f.passwordFile, "password-file", "", "file with the password in its first line")
	flags.BoolVar(&f.insecure, "insecure-secrets", false, "accept a password file that others can read")
	flags.StringArrayVar(&f.routes, "route", nil, "network to reach through the tunnel, as ADDRESS/BITS (repeatable)")
	flags.BoolVar(&f.defaultRoute, "default-route", false, "send all IPv4 through the tunnel; IPv6 leaves as before, and a warning says so")
	flags.BoolVar(&f.reconnect, "reconnect", false, "try again whenever the tunnel ends, unless the server refuses us")
	f.addFlags(flags, netdev.DefaultName)
	completeBackendFlag(cmd)
	return cmd
}

func oneServer(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return usageError("no server: give SERVER or SERVER:PORT")
	case 1:
		return nil
	}
	return usageError("%q: one server at a time", args[1])
}

func (f *connectFlags) run(cmd *cobra.Command, server string) error {
	ctx := cmd.Context()
	log := loggerFrom(ctx)
	cfg, err := f.config(cmd, server)
	if err != nil {
		return err
	}
	routes, err := parseRoutes(f.routes)
	if err != nil {
		return err
	}
	end := &localEnd{name: f.device, routes: routes, defaultRoute: f.defaultRoute, log: log}
	defer end.close()
	cfg.Bring = end.bring
	cfg.Changed = func(up bool, n tunnel.Network) {
		if up {
			log.Info("tunnel is up", "device", end.device(), "local", n.Local, "remote", n.Remote, "mtu", n.MTU, "mppe", n.Encrypted, "dns", n.DNS)
		}
	}
	client, err := tunnel.NewClient(cfg)
	if err != nil {
		return usageError("%w", err)
	}
	why := backendReason(cfg.Backend, f.backend)
	stop, err := serveStatus(ctx, f.statusSocket, "connect", func() status.Snapshot {
		s := client.Snapshot()
		s.Process.Device, s.Process.BackendWhy = end.device(), why
		return s
	})
	if err != nil {
		return err
	}
	defer stop()
	err = client.Run(ctx)
	if ctx.Err() != nil {
		return nil
	}
	return withExit(codeOfClass(tunnel.ClassOf(err)), err)
}

// config turns the flags into a client's configuration.
func (f *connectFlags) config(cmd *cobra.Command, server string) (tunnel.ClientConfig, error) {
	log := loggerFrom(cmd.Context())
	if f.user == "" {
		return tunnel.ClientConfig{}, usageError("no user: give --user NAME")
	}
	if err := netdev.ValidateName(f.device); err != nil {
		return tunnel.ClientConfig{}, usageError("--tun: %w", err)
	}
	o, err := f.options(log)
	if err != nil {
		return tunnel.ClientConfig{}, err
	}
	password, err := readPassword(f.passwordFile, f.insecure, cmd.ErrOrStderr())
	if err != nil {
		return tunnel.ClientConfig{}, err
	}
	log.Info("RC4 backend", "name", o.Backend.Name(), "why", backendReason(o.Backend, f.backend))
	return tunnel.ClientConfig{
		Options: o, Server: server, User: f.user, Password: password,
		RequestDNS: true, Reconnect: f.reconnect,
	}, nil
}

// backendReason says why this RC4 works for a tunnel.
func backendReason(b *arc4.Backend, asked string) string {
	if selected, why := arc4.Selected(); selected == b && (asked == "" || asked == "auto") {
		return why
	}
	return "--backend " + asked
}

func parseRoutes(args []string) ([]netip.Prefix, error) {
	var routes []netip.Prefix
	var errs []error
	for _, a := range args {
		p, err := netdev.ParseRoute(a)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		routes = append(routes, p)
	}
	if len(errs) > 0 {
		return nil, usageError("--route: %w", errors.Join(errs...))
	}
	return routes, nil
}
