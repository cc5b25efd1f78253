//go:build !nonm

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/godbus/dbus/v5"
	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/foreign"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/report"
	"github.com/arc4tun/arc4tun/internal/nmplugin"
)

const nmServiceLong = `nm-service is the service of NetworkManager's plugin for PPTP: NetworkManager starts one for each connection of the type
org.freedesktop.NetworkManager.pptp, by the name nm-arc4-service. It makes the TUN device and the tunnel, and leaves
addresses, routes and name servers to NetworkManager. A while after the connection it ends.`

// linkedAs are the words that stand for a link's name, by which NetworkManager and its clients,
// which give no command, start this program.
func linkedAs(name string) []string {
	switch filepath.Base(name) {
	case "nm-arc4-service":
		return []string{"nm-service"}
	case "nm-arc4-auth-dialog":
		return []string{"nm-auth-dialog"}
	}
	return nil
}

func newNMServiceCmd() *cobra.Command {
	var busName string
	cmd := &cobra.Command{
		Use:    "nm-service",
		Short:  "NetworkManager's plugin for PPTP",
		Long:   nmServiceLong,
		Hidden: true, // nobody types it
		Args:   noArguments,
		RunE:   func(cmd *cobra.Command, _ []string) error { return serveNetworkManager(cmd, busName) },
	}
	cmd.Flags().StringVar(&busName, "bus-name", foreign.PPTPService, "the `NAME` to take on the system's D-Bus")
	return cmd
}

func serveNetworkManager(cmd *cobra.Command, busName string) error {
	ctx := cmd.Context()
	if !cmd.Flags().Changed("log-level") {
		logs := logOptions{level: nmLogLevel(os.Getenv("NM_VPN_LOG_LEVEL")), format: cmd.Flags().Lookup("log-format").Value.String()}
		ctx = withLogger(ctx, logs.logger(logOutputFrom(ctx, cmd.ErrOrStderr())))
	}
	log := loggerFrom(ctx)
	signalsFrom(ctx).outliveReaders()
	signalsFrom(ctx).undoes()
	// A connection has a password of its own.
	if err := os.Unsetenv(passwordVariable); err != nil {
		return err
	}
	bus, err := dbus.ConnectSystemBus()
	if err != nil {
		return fmt.Errorf("the system's D-Bus: %w", err)
	}
	defer bus.Close()
	return nmplugin.Run(ctx, nmplugin.Options{
		Bus: bus, BusName: busName, Service: foreign.PPTPService, Secret: nmSecret, Log: log,
		Prepare: func(v nmplugin.VPN) (nmplugin.Tunnel, error) { return prepareNMTunnel(ctx, v) },
	})
}

// nmSecret is the key of the one secret that a connection has.
const nmSecret = "password"

// nmLogLevel is the level that NetworkManager asks its plugins for, by a number of syslog(3). By
// itself it asks for next to nothing, since some plugins log what is private: nothing of that kind
// is logged here, and whoever looks for a reason finds it in the journal.
func nmLogLevel(number string) string {
	if n, err := strconv.Atoi(number); err == nil && n > 5 {
		return "debug"
	}
	return "info"
}

// prepareNMTunnel turns a connection into what arc4 connect would run with the same words.
func prepareNMTunnel(ctx context.Context, v nmplugin.VPN) (nmplugin.Tunnel, error) {
	log := loggerFrom(ctx)
	found, err := foreign.NetworkManagerVPN(v.Data, v.Secrets, v.User)
	if err != nil {
		return nil, errors.New(report.PrintableUpTo(err.Error(), longestNMError))
	}
	for _, n := range found.Notes {
		log.Debug("of the connection", "note", report.PrintableUpTo(n.Text, longestNMError))
	}
	cmd, f := newConnect()
	cmd.SetContext(ctx)
	server, password := "", v.Secrets[nmSecret]
	for _, s := range found.Settings {
		switch s.Key {
		case serverKey:
			server = fmt.Sprint(s.Value)
		case passwordKey: // which is in v
		default:
			if err := setAll(cmd.Flags(), s.Key, s.Value); err != nil {
				return nil, fmt.Errorf("%s: %w", s.Key, err)
			}
		}
	}
	if f.user == "" {
		return nil, fmt.Errorf("no user: nmcli connection modify %q +vpn.data user=NAME", v.ID)
	}
	f.given.password = &password
	if err := f.consistent(cmd); err != nil {
		return nil, err
	}
	t := &nmTunnel{flags: f, plan: f.memory.plan(), name: v.ID, persistent: v.Persistent, log: log}
	if t.cfg, err = f.config(cmd, server, t.plan); err != nil {
		return nil, err
	}
	t.cfg.Reconnect = v.Persistent
	return t, nil
}

// longestNMError bounds what is said of a connection's words, in characters.
const longestNMError = 500
