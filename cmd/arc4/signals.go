package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/term"
)

// signals is what the signals that end a program do to the command that runs.
//
// The first ends the command's context. A command that has changed nothing outside of this process
// dies of the second. One that has, and said so with undoes, is told of the second by hurry: it
// skips what it still had to say to others, and puts back what it changed all the same. No later
// signal changes that; what hangs for good takes SIGKILL.
type signals struct {
	came      chan os.Signal
	ending    []os.Signal // those that end the command
	terminals []int       // the standard descriptors that are terminals
	end       context.CancelCauseFunc
	hurry     chan struct{} // closed by the second signal, once undoes was called

	mu     sync.Mutex
	undo   bool // the command has to put something back
	count  int
	reload func()
}

// interruption is why the context of a command has ended.
type interruption struct{ signal os.Signal }

func (i *interruption) Error() string { return fmt.Sprintf("interrupted by the signal %v", i.signal) }

// watchSignals gives a context that ends with the first signal.
func watchSignals(ctx context.Context) (context.Context, *signals) {
	s := &signals{came: make(chan os.Signal, 4), hurry: make(chan struct{})}
	ctx, s.end = context.WithCancelCause(ctx)
	s.ending = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) { // else it was started by nohup, and is to outlive its terminal
		s.ending = append(s.ending, syscall.SIGHUP)
	}
	for fd := range 3 {
		if term.IsTerminal(fd) {
			s.terminals = append(s.terminals, fd)
		}
	}
	signal.Notify(s.came, s.ending...)
	go func() {
		for sig := range s.came {
			s.take(sig)
		}
	}()
	return context.WithValue(ctx, signalsKey{}, s), s
}

type signalsKey struct{}

// signalsFrom gives those of the command, or some that never come.
func signalsFrom(ctx context.Context) *signals {
	if s, ok := ctx.Value(signalsKey{}).(*signals); ok {
		return s
	}
	return &signals{hurry: make(chan struct{}), end: func(error) {}}
}

// outliveReaders says that a pipe which nobody reads any more is no reason to end: what is written
// there is lost.
func (s *signals) outliveReaders() {
	if s.came != nil {
		// Ignored, a child would inherit it.
		signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	}
}

// undoes says that the command has to put something back from here on.
func (s *signals) undoes() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.undo = true
	if s.came != nil {
		signal.Notify(s.came, s.ending...)
	}
}

// reloads has SIGHUP call again, instead of ending the command. A terminal that is closed still
// ends it.
func (s *signals) reloads(again func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reload = again
	if s.came != nil {
		signal.Notify(s.came, syscall.SIGHUP)
	}
}

// take acts on one signal.
func (s *signals) take(sig os.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sig == syscall.SIGHUP && s.reload != nil && !s.terminalGone() {
		go s.reload() // files may be slow, and an ending must not wait for them
		return
	}
	s.count++
	switch {
	case s.count == 1:
		s.end(&interruption{sig})
		if !s.undo {
			signal.Reset(s.ending...)
		}
	case s.count == 2 && s.undo:
		close(s.hurry)
	}
}

// terminalGone reports whether a terminal of this process has been closed.
func (s *signals) terminalGone() bool {
	for _, fd := range s.terminals {
		if !term.IsTerminal(fd) {
			return true
		}
	}
	return false
}

// signalOf is the name of the signal that has ended ctx, or empty.
func signalOf(ctx context.Context) string {
	var i *interruption
	if errors.As(context.Cause(ctx), &i) {
		return i.signal.String()
	}
	return ""
}
