//go:build !linux

package netdev

import (
	"context"
	"fmt"
	"runtime"
)

// system is nothing on this system.
type system struct{}

func (system) close() {}

func (s *Setup) readdress(ctx context.Context, _ Settings) error { return s.apply(ctx) }

func (s *Setup) apply(context.Context) error {
	return fmt.Errorf("addresses and routes of %q: supported on Linux only, this is %s: run arc4 on Linux, or in a Linux container or VM", s.settings.Device, runtime.GOOS)
}
