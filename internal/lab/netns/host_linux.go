package netns

import (
	"fmt"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/arc4tun/arc4tun/internal/rtnetlink"
)

// Host is a network namespace without a name: an OS thread that has entered it and
// serves calls there. Sockets and devices opened in a call stay in the namespace,
// whichever thread uses them later. The namespace is gone with the thread and
// the last of them.
type Host struct {
	calls  chan func()
	done   chan struct{}
	thread int // its ID
}

// NewHost makes a namespace, with the loopback interface up; the error tells what right was
// missing.
func NewHost() (*Host, error) {
	h := &Host{calls: make(chan func()), done: make(chan struct{})}
	started := make(chan error, 1)
	go h.run(started)
	if err := <-started; err != nil {
		return nil, err
	}
	return h, nil
}

// run serves calls until the host is closed. It never unlocks its thread, which
// therefore ends with it and is not used again in the wrong namespace.
func (h *Host) run(started chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		// The first thread of a process outlives its goroutine: leave it.
		elsewhere := make(chan error, 1)
		go h.run(elsewhere)
		started <- <-elsewhere
		runtime.UnlockOSThread()
		return
	}
	h.thread = unix.Gettid()
	if err := enter(); err != nil {
		started <- err
		return
	}
	started <- nil
	for call := range h.calls {
		call()
	}
	close(h.done)
}

// enter moves the calling thread into a new namespace.
func enter() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("new network namespace: %w", err)
	}
	if err := SetUp("lo"); err != nil {
		return fmt.Errorf("loopback interface up: %w", err)
	}
	return nil
}

// Do runs f on the host's thread.
func (h *Host) Do(f func() error) error {
	result := make(chan error, 1)
	h.calls <- func() { result <- f() }
	return <-result
}

// Start starts a program on the host. It is killed when the host is closed at the latest.
func (h *Host) Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL // comes when the thread that started it ends
	return h.Do(cmd.Start)
}

// Close ends the host's thread.
func (h *Host) Close() {
	close(h.calls)
	<-h.done
}

// Enter moves the calling goroutine into a new namespace, with its thread, until leave is called. A
// thread that cannot go back stays locked, and dies with the goroutine.
func Enter() (leave func() error, err error) {
	runtime.LockOSThread()
	before, err := rtnetlink.ThisNamespace()
	if err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	leave = func() error {
		defer before.Close()
		if err := before.Enter(); err != nil {
			return fmt.Errorf("leave the namespace: %w", err)
		}
		runtime.UnlockOSThread()
		return nil
	}
	if err := enter(); err != nil {
		_ = leave()
		return nil, err
	}
	return leave, nil
}
