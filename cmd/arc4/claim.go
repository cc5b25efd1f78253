//go:build !noprofiles

package main

import (
	"context"
	"errors"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/background"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// claim has this process be the one that runs its profile, in the foreground or not. That another
// one does is an error; a directory that cannot be written is none, for the tunnel matters more.
func (g *given) claim(ctx context.Context) (release func(), err error) {
	if g.profile == "" {
		return func() {}, nil
	}
	claim, err := background.Hold(status.DefaultDir(), g.profile, g.file)
	var running *background.RunningError
	switch {
	case errors.As(err, &running):
		return nil, exit.With(exit.Failure, err)
	case err != nil:
		loggerFrom(ctx).Warn("arc4 list and arc4 down will not know of this run", "error", err)
		return func() {}, nil
	}
	return claim.Release, nil
}
