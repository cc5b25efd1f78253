//go:build linux && !nodns

package nameservice

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"
)

// way is how a machine is told which name servers to ask. Its methods are called with the lock of
// the records held, by one process at a time.
type way interface {
	// set has the machine ask as e says; it replaces what an earlier call with e's device said.
	set(ctx context.Context, e entry) error
	// unset takes back what set did, and leaves alone what somebody else has done since.
	unset(ctx context.Context, e entry) error
	// intact reports whether the machine still is as set has left it.
	intact() bool
	// outside are the name servers that the machine would ask without e.
	outside(e entry) []netip.Addr
}

const (
	// undoTime bounds putting back, which a signal waits for.
	undoTime = 10 * time.Second
	// setTime bounds saying it, for a signal waits for that, too: what hangs may be a program that
	// resolvconf runs.
	setTime = 30 * time.Second
	// lookEvery is between two looks whether somebody else has written what set has, and mostAgain
	// how often it is then said anew: two programs that overwrite each other's get nowhere. After
	// as many looks as enoughCalm that found it as it was, that is counted anew.
	lookEvery  = 5 * time.Second
	mostAgain  = 20
	enoughCalm = 12
)

// Service is the name service of this machine as one tunnel changes it. Its methods may be called
// from any goroutine.
type Service struct {
	log    *slog.Logger
	places places

	mu     sync.Mutex
	kind   wayKind
	way    way     // nil: nothing is set
	record *record // nil: nothing is set
	stop   chan struct{}
	again  int
	calm   int // looks in a row that found it as it was
}

// Open changes nothing yet. log may be nil.
func Open(log *slog.Logger) *Service {
	if log == nil {
		log = slog.Default()
	}
	return &Service{log: log, places: system.own()}
}

// Set has this machine ask the servers of a tunnel until Restore. It may be called again at any
// time, with the same settings or others: what somebody else has done meanwhile is then taken for
// what was there before.
func (s *Service) Set(ctx context.Context, want Settings) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, setTime)
	defer cancel()
	return s.set(ctx, want)
}

func (s *Service) set(ctx context.Context, want Settings) error {
	if s.record != nil && s.record.entry.Device != want.Device {
		s.restore()
	}
	first := s.record == nil
	lock, err := s.places.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	if first {
		s.kind, err = s.places.choose(ctx)
		if err != nil {
			return err
		}
		s.way = s.places.wayOf(s.kind, s.log)
		if s.record, err = s.places.newRecord(); err != nil {
			s.way = nil
			return err
		}
	}
	e, err := s.places.entryOf(s.kind, want, s.record.entry)
	if err == nil {
		// First what is to be put back, then what changes it.
		err = s.record.write(e)
	}
	if err == nil {
		err = s.way.set(ctx, e)
	}
	if err != nil {
		if first {
			left := s.way.unset(ctx, e)
			err = errors.Join(err, left)
			s.forget(left)
		}
		return fmt.Errorf("name servers by %s: %w", s.kind, err)
	}
	if first {
		s.again, s.stop = 0, make(chan struct{})
		go s.watch(s.stop)
	}
	return nil
}

// Restore has the machine ask whom it asked before. It may be called at any time, and does nothing
// if nothing is set.
func (s *Service) Restore() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.restore()
}

func (s *Service) restore() error {
	if s.record == nil {
		return nil
	}
	close(s.stop)
	ctx, cancel := context.WithTimeout(context.Background(), undoTime)
	defer cancel()
	lock, err := s.places.lock()
	if err == nil {
		defer lock.Close()
		err = s.way.unset(ctx, s.record.entry)
	}
	s.forget(err)
	if err != nil {
		return fmt.Errorf("name servers by %s: %w", s.kind, err)
	}
	return nil
}

// forget ends the record of what is set. If it could not be undone, the next run has it.
func (s *Service) forget(left error) {
	if left == nil {
		_ = os.Remove(s.record.file.Name())
	}
	closeQuietly(s.record.file)
	s.way, s.record = nil, nil
}

// Asked says by whom the machine is told which servers it asks, and which those are; empty: nothing
// is set.
func (s *Service) Asked() (by string, servers []netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record == nil {
		return "", nil
	}
	return s.kind.String(), slices.Clone(s.record.entry.Servers)
}

// Splits reports whether the machine can ask different servers about different domains; it has an
// answer once something is set.
func (s *Service) Splits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.record != nil && s.kind == byResolved
}

// Outside are the name servers that the machine would ask without the tunnel; nil: nothing is set,
// or they are not known.
func (s *Service) Outside() []netip.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record == nil {
		return nil
	}
	return slices.DeleteFunc(s.way.outside(s.record.entry), func(a netip.Addr) bool { return a.IsLoopback() || a.IsUnspecified() })
}

// watch says again what somebody else has overwritten: whoever writes resolv.conf for a network
// does so whenever that changes.
func (s *Service) watch(stop chan struct{}) {
	every := time.NewTicker(s.places.lookEvery)
	defer every.Stop()
	for {
		select {
		case <-stop:
			return
		case <-every.C:
		}
		s.mu.Lock()
		goesOn := s.stop != stop || s.record == nil || s.look()
		s.mu.Unlock()
		if !goesOn {
			return
		}
	}
}

// look says it again if somebody else has overwritten it, and reports whether to go on looking. The
// caller holds mu.
func (s *Service) look() bool {
	if !s.way.intact() {
		s.calm = 0
		return s.sayAgain()
	}
	if s.calm++; s.calm >= enoughCalm {
		s.again = 0
	}
	return true
}

// sayAgain reports whether to go on looking. The caller holds mu.
func (s *Service) sayAgain() bool {
	if s.again++; s.again > mostAgain {
		s.log.Warn("somebody else keeps writing which name servers this machine asks: it asks those, and not the tunnel's", "by", s.kind)
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), undoTime)
	defer cancel()
	e := s.record.entry
	if err := s.set(ctx, e.Settings); err != nil {
		s.log.Warn("somebody else has written which name servers this machine asks, and the tunnel's are not asked any more", "by", s.kind, "error", err)
		return false
	}
	s.log.Info("somebody else has written which name servers this machine asks: the tunnel's are asked again, and those when it ends", "by", s.kind)
	return true
}

// closeQuietly closes what has been read only.
func closeQuietly(c io.Closer) { _ = c.Close() }
