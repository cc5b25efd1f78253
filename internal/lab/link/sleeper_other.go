//go:build !linux

package link

import "time"

// sleeper lets one goroutine sleep and others wake it, with the precision of
// Go's timers.
type sleeper struct{ event chan struct{} }

func newSleeper() (*sleeper, error) { return &sleeper{event: make(chan struct{}, 1)}, nil }

func (s *sleeper) bind(realTime bool) {}

// sleep returns after d, or when woken, or early.
func (s *sleeper) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.event:
	}
}

// doze is sleep here.
func (s *sleeper) doze(d time.Duration) { s.sleep(d) }

func (s *sleeper) wake() {
	select {
	case s.event <- struct{}{}:
	default:
	}
}

func (s *sleeper) close() {}
