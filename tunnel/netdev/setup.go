package netdev

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/arc4tun/arc4tun/internal/serverroute"
)

// Setup applies Settings to the system and takes them back. Its methods may be called from
// any goroutine.
//
// Apply works in the network namespace of the thread that calls it, and Undo in the one where
// Apply worked. Name service is left as it is: see localend.NameService.
type Setup struct {
	settings Settings

	mu      sync.Mutex
	applied bool
	undo    []undoStep
	sys     system
	// follower knows the way to the server, once it has been asked for.
	follower *serverroute.Follower
	own      uint32 // the table that policy rules have looked up; 0: there are none
	planned  []plannedRoute
}

// undoStep takes one change back. It reports nil when the change is gone already.
type undoStep struct {
	kind stepKind
	what string
	run  func() error
}

// stepKind tells the steps that can be exchanged, or be taken back before the others.
type stepKind int

const (
	stepOther stepKind = iota
	stepAddress4
	stepAddress6
	stepRoute // into the device
)

// NewSetup checks the settings; nothing changes before Apply.
func NewSetup(s Settings) (*Setup, error) {
	s = s.withoutLoop()
	if err := s.validate(); err != nil {
		return nil, err
	}
	return &Setup{settings: s}, nil
}

// Apply makes the changes in this order: addresses, MTU, link up, the way to the server, policy
// rules, the routes. When one fails, or ctx ends, those made are undone before it returns
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

// Readdress goes over to settings with other addresses, another MTU or another server, and leaves
// the routes in place all the time: what goes through the tunnel must not leave by another way
// meanwhile. The rest of the settings must be those that are applied. After an error the addresses
// may be the old ones, the new ones or both; Undo takes back all of them.
func (s *Setup) Readdress(ctx context.Context, to Settings) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	to = to.withoutLoop()
	if err := to.validate(); err != nil {
		return err
	}
	switch {
	case !s.applied:
		return fmt.Errorf("changing the addresses of %q: none are applied", s.settings.Device)
	case to.Device != s.settings.Device || to.Follower != s.settings.Follower || !to.sameRoutes(s.settings):
		return fmt.Errorf("changing the addresses of %q: the device and the routes have to stay: undo, and apply anew", s.settings.Device)
	}
	return s.readdress(ctx, to)
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

// Withdraw takes back, last first, the routes into the device and its addresses: this machine's
// traffic goes its old ways again. The rest stays until Undo, above all the way to the server, so
// that the server can still be told of the end.
func (s *Setup) Withdraw() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applied = false
	return s.takeBack(func(step undoStep) bool { return step.kind != stepOther })
}

func (s *Setup) rollback() error {
	err := s.takeBack(func(undoStep) bool { return true })
	s.follower, s.own, s.planned = nil, 0, nil
	s.sys.close()
	return err
}

// takeBack undoes the steps of which that is true, last first, and keeps the others.
func (s *Setup) takeBack(which func(undoStep) bool) error {
	var errs []error
	var kept []undoStep
	for _, step := range slices.Backward(s.undo) {
		if !which(step) {
			kept = append(kept, step)
			continue
		}
		if err := step.run(); err != nil {
			errs = append(errs, fmt.Errorf("undo %s: %w", step.what, err))
		}
	}
	slices.Reverse(kept)
	s.undo = kept
	return errors.Join(errs...)
}

func (s *Setup) did(kind stepKind, what string, undo func() error) {
	s.undo = append(s.undo, undoStep{kind, what, undo})
}
