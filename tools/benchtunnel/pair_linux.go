package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/arc4tun/arc4tun/internal/lab/netns"
)

// The outer addresses of both ends.
const (
	nearOuter = "192.0.2.2"
	farOuter  = "192.0.2.1"
)

// pair is two hosts with a cable between them, whose ends are both called wire.
type pair struct{ near, far *netns.Host }

func newPair() (*pair, error) {
	var p pair
	var err error
	if p.near, err = netns.NewHost(); err != nil {
		return nil, err
	}
	if p.far, err = netns.NewHost(); err != nil {
		p.near.Close()
		return nil, err
	}
	if err = netns.Join(
		netns.End{Host: p.near, Name: "wire", Address: nearOuter + "/24"},
		netns.End{Host: p.far, Name: "wire", Address: farOuter + "/24"}); err != nil {
		p.close()
		return nil, err
	}
	return &p, nil
}

func (p *pair) close() {
	p.near.Close()
	p.far.Close()
}

// answers waits until something listens at an address of the far end, seen from the near one.
func (p *pair) answers(ctx context.Context, address string) error {
	for {
		err := p.near.Do(func() error {
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

// output runs a program on a host and returns what it printed.
func output(ctx context.Context, h *netns.Host, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, complaint strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := h.Start(cmd); err != nil {
		return nil, err
	}
	err := cmd.Wait()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(complaint.String()))
	}
	return []byte(out.String()), err
}
