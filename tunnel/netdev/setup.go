package netdev

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Setup applies Settings to the system and takes them back. Its methods may be called from
// any goroutine.
//
// Apply works in the network namespace of the thread that calls it, and Undo in the one where
// Apply worked. DNS is left as it is: what the peer offers is the caller's to show, for
// rewriting resolv.conf breaks more systems than it helps.
type Setup struct {
	settings Settings

	mu      sync.Mutex
	applied bool
	undo    []undoStep
	close   func()
}

// undoStep takes one change back. It reports nil when the change is gone already.
type undoStep struct {
	what string
	run  func() error
}

// NewSetup checks the settings; nothing changes before Apply.
func NewSetup(s Settings) (*Setup, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	return &Setup{settings: s}, nil
}

// Apply makes the changes in this order: addresses, MTU, link up, the host route to the
// server, the routes. When one fails, or ctx ends, those made are undone before it returns
// the error. Applying twice without Undo between changes nothing.
func (s *Setup) Apply(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.applied {
		return nil
	}
	if err := s.apply(ctx); err != nil {
		return errors.Join(err, s.rollback())
	}
	s.applied = true
	return nil
}

// Undo takes back, last first, what Apply did, and only that: what was there before stays,
// and what has gone meanwhile (with the device, say) is no error. It may be called at any
// time, any number of times.
func (s *Setup) Undo() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applied = false
	return s.rollback()
}

func (s *Setup) rollback() error {
	var errs []error
	for i := len(s.undo) - 1; i >= 0; i-- {
		if err := s.undo[i].run(); err != nil {
			errs = append(errs, fmt.Errorf("undo %s: %w", s.undo[i].what, err))
		}
	}
	s.undo = nil
	if s.close != nil {
		s.close()
		s.close = nil
	}
	return errors.Join(errs...)
}

func (s *Setup) did(what string, undo func() error) {
	s.undo = append(s.undo, undoStep{what, undo})
}
