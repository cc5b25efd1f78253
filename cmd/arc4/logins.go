package main

import (
	"context"
	"sync/atomic"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel"
)

// maxAsked is how often a password is asked for before the server's refusal is final, as with ssh.
const maxAsked = 3

// logins runs one client after the other, each with another password, as long as the server refuses
// what was typed.
type logins struct {
	cfg     tunnel.ClientConfig                   // its password is read by others once the tunnel is up
	ask     func(context.Context) (string, error) // nil: the password was not typed
	current atomic.Pointer[tunnel.Client]
	wasUp   atomic.Bool
}

// newLogins makes the first client.
func newLogins(cfg tunnel.ClientConfig, ask func(context.Context) (string, error)) (*logins, error) {
	l := &logins{cfg: cfg, ask: ask}
	changed := cfg.Changed
	l.cfg.Changed = func(up bool, n tunnel.Network) {
		if up {
			l.wasUp.Store(true)
		}
		changed(up, n)
	}
	return l, l.renew()
}

func (l *logins) renew() error {
	client, err := tunnel.NewClient(l.cfg)
	if err != nil {
		return exit.Usagef("%s", bare(err))
	}
	l.current.Store(client)
	return nil
}

// client is the one that runs.
func (l *logins) client() *tunnel.Client { return l.current.Load() }

// run keeps the tunnel until it ends, and gives the reason.
func (l *logins) run(ctx context.Context) error {
	for asked := 1; ; asked++ {
		err := l.client().Run(ctx)
		if l.ask == nil || asked == maxAsked || l.wasUp.Load() || ctx.Err() != nil || !tunnel.WrongPassword(err) {
			return err
		}
		loggerFrom(ctx).Warn("refused; asking again", "reason", err)
		if l.cfg.Password, err = l.ask(ctx); err != nil {
			return err
		}
		if err := l.renew(); err != nil {
			return err
		}
	}
}
