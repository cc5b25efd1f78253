package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync/atomic"

	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/features"
	"github.com/arc4tun/arc4tun/internal/killswitch"
	"github.com/arc4tun/arc4tun/tunnel"
	"github.com/arc4tun/arc4tun/tunnel/localend"
)

// killSwitch keeps what is not for the tunnel from leaving. The zero value does not.
type killSwitch struct {
	wanted bool
	table  *killswitch.Switch // nil: there is none yet, or none is wanted
	used   atomic.Bool        // the tunnel has been up, in this run or in one that has left its kill switch
	orders atomic.Bool        // the tunnel has ended because somebody wanted it to
}

func (k *killSwitch) addFlag(flags *pflag.FlagSet) {
	flags.BoolVar(&k.wanted, "kill-switch", false, "let nothing leave this machine outside the tunnel, IPv4 or IPv6, also while it is dialled, but what carries it, DHCP, neighbour discovery and what goes to --exclude-route; it goes when connect is told to end, and stays when connect is killed or a tunnel that was up fails")
}

// check refuses what this build has not.
func (k *killSwitch) check() error {
	if k.wanted && !features.KillSwitch {
		return exit.Usagef(`--kill-switch: this build has none (build tag nokillswitch); "arc4 version" lists what it has not`)
	}
	return nil
}

// into has a local end say which device the tunnel has.
func (k *killSwitch) into(c *localend.ClientConfig) {
	if k.wanted {
		c.Admit = func(device string) error { return k.table.Admit(device) }
	}
}

// up holds back everything from now on but what carries the tunnel of a local end.
func (k *killSwitch) up(c localend.ClientConfig, end *localend.Client, log *slog.Logger) error {
	if !k.wanted {
		return nil
	}
	if err := mayTunnel(); err != nil {
		return err
	}
	if end.Mark() == 0 {
		return exit.With(exit.Failure, errors.New("--kill-switch: nobody could tell what carries the tunnel, since its way is not followed"))
	}
	table, err := killswitch.Up(killswitch.Config{Mark: end.Mark(), Excluded: c.Excluded, Log: log})
	switch {
	case errors.Is(err, fs.ErrPermission):
		return exit.With(exit.Permission, fmt.Errorf("--kill-switch: %w", err))
	case err != nil:
		return exit.With(exit.Failure, fmt.Errorf("--kill-switch: %w", err))
	}
	k.table = table
	k.used.Store(table.Follows) // somebody is kept from what leaves in clear, and has not asked for it
	log.Info("kill switch is up: nothing leaves outside the tunnel", "table", table.Name())
	return nil
}

// follow notes that the tunnel has been up.
func (k *killSwitch) follow(changed func(bool, tunnel.Network)) func(bool, tunnel.Network) {
	return func(up bool, n tunnel.Network) {
		k.used.Store(k.used.Load() || up)
		changed(up, n)
	}
}

// ending notes what the tunnel has ended with: nil is an order, of a signal or of a time-out that
// was asked for.
func (k *killSwitch) ending(ctx context.Context, err error) {
	k.orders.Store(connectEnd(ctx, err) == nil)
}

// down lets everything leave again, unless the tunnel has been up and has ended although nobody
// wanted it to: nothing may leave then that had been meant for it.
func (k *killSwitch) down(log *slog.Logger) {
	switch {
	case k.table == nil:
	case k.used.Load() && !k.orders.Load():
		k.table.Keep()
		log.Warn("the kill switch stays, for the tunnel has failed: the next arc4 connect, arc4 down NAME or nft removes it", "nft", "delete table inet "+k.table.Name())
	default:
		if err := k.table.Down(); err != nil {
			log.Warn("removing the kill switch", "error", err)
		}
	}
}
