package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// machine is a network namespace with a thread that lives there. Programs it starts end with it.
type machine struct {
	name string
	work chan func()
	ns   netns.NsHandle
	over chan struct{}
}

func newMachine(name string) (*machine, error) {
	m := &machine{name: name, work: make(chan func()), over: make(chan struct{})}
	entered := make(chan error)
	go func() {
		defer close(m.over)
		runtime.LockOSThread() // the thread ends with the goroutine, and the namespace with it
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			m.ns, err = netns.Get()
		}
		entered <- err
		for f := range m.work {
			f()
		}
	}()
	if err := <-entered; err != nil {
		close(m.work)
		return nil, fmt.Errorf("a network namespace (as root?): %w", err)
	}
	err := m.do(func() error { return change("lo", netlink.LinkSetUp) })
	return m, err
}

func (m *machine) close() {
	close(m.work)
	<-m.over
	_ = m.ns.Close()
}

// do runs f on the machine's thread.
func (m *machine) do(f func() error) error {
	done := make(chan error)
	m.work <- func() { done <- f() }
	return <-done
}

// start starts a program there.
func (m *machine) start(cmd *exec.Cmd) error {
	// The signal comes when the thread that started it ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return m.do(cmd.Start)
}

// output runs a program there and returns what it printed.
func (m *machine) output(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, complaint strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := m.start(cmd); err != nil {
		return nil, err
	}
	err := cmd.Wait()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(complaint.String()))
	}
	return []byte(out.String()), err
}

// change does something to an interface of the thread's namespace.
func change(name string, f func(netlink.Link) error) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return f(l)
}

func addAddress(name, address string) error {
	return change(name, func(l netlink.Link) error {
		a, err := netlink.ParseAddr(address)
		if err != nil {
			return err
		}
		return netlink.AddrAdd(l, a)
	})
}

// The outer addresses of both ends.
const (
	nearOuter = "192.0.2.2"
	farOuter  = "192.0.2.1"
)

// pair is two machines with a cable between them, whose ends are both called wire.
type pair struct{ near, far *machine }

func newPair(name string) (*pair, error) {
	var p pair
	var err error
	if p.near, err = newMachine(name + ", near end"); err != nil {
		return nil, err
	}
	if p.far, err = newMachine(name + ", far end"); err != nil {
		p.near.close()
		return nil, err
	}
	err = p.near.do(func() error {
		a := netlink.NewLinkAttrs()
		a.Name = "wire"
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: a, PeerName: "wire", PeerNamespace: netlink.NsFd(p.far.ns)})
	})
	for _, end := range []struct {
		m       *machine
		address string
	}{{p.near, nearOuter}, {p.far, farOuter}} {
		if err == nil {
			err = end.m.do(func() error {
				return errors.Join(addAddress("wire", end.address+"/24"), change("wire", netlink.LinkSetUp))
			})
		}
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return &p, nil
}

func (p *pair) close() {
	p.near.close()
	p.far.close()
}

// answers waits until something listens at an address of the far end, seen from the near one.
func (p *pair) answers(ctx context.Context, address string) error {
	for {
		err := p.near.do(func() error {
			c, err := net.DialTimeout("tcp4", address, time.Second)
			if err == nil {
				_ = c.Close()
			}
			return err
		})
		if err == nil || errors.Is(err, syscall.ECONNREFUSED) {
			return nil // a refusal is an answer too
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s does not answer: %w", address, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
