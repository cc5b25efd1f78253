//go:build !linux || nokillswitch

package killswitch

import (
	"errors"
	"log/slog"
)

// Switch is never made.
type Switch struct{ Follows bool }

// Up says that there is none.
func Up(Config) (*Switch, error) {
	return nil, errors.New("this build has no kill switch (build tag nokillswitch), or this system has no nftables")
}

// Name is empty.
func (*Switch) Name() string { return "" }

// Admit does nothing.
func (*Switch) Admit(string) error { return nil }

// Down does nothing.
func (*Switch) Down() error { return nil }

// Keep does nothing.
func (*Switch) Keep() {}

// Sweep finds nothing.
func Sweep(*slog.Logger) error { return nil }
