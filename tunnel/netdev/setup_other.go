//go:build !linux

package netdev

import (
	"context"
	"fmt"
	"runtime"
)

func (s *Setup) apply(context.Context) error {
	return fmt.Errorf("addresses and routes of %q: supported on Linux only, this is %s: run arc4 on Linux, or in a Linux container or VM", s.settings.Device, runtime.GOOS)
}
