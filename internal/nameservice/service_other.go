//go:build !linux || nodns

package nameservice

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
)

// Service changes nothing in this build.
type Service struct{}

// errNowhere is what Set says where nothing can be set.
var errNowhere = errors.New("this build does not set name servers on this system")

// Open gives a Service that sets nothing.
func Open(*slog.Logger) *Service { return new(Service) }

// Set says that it cannot.
func (s *Service) Set(context.Context, Settings) error { return errNowhere }

// Restore has nothing to do.
func (s *Service) Restore() error { return nil }

// Asked is empty.
func (s *Service) Asked() (by string, servers []netip.Addr) { return "", nil }

// Splits is false.
func (s *Service) Splits() bool { return false }

// Outside is empty.
func (s *Service) Outside() []netip.Addr { return nil }

// Sweep has nothing to do.
func Sweep(*slog.Logger) error { return nil }

// Through is false.
func Through(string, netip.Addr) (bool, error) { return false, nil }
