package netdev

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

func (s *Setup) readdress(ctx context.Context, to Settings) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("changing the addresses of %q: %w", s.settings.Device, err)
	}
	link, err := s.sys.kernel.LinkByName(s.settings.Device)
	if err != nil {
		return fmt.Errorf("interface %q: %w", s.settings.Device, err)
	}
	from := s.settings
	s.settings = to
	c := &changer{Setup: s, kernel: s.sys.kernel, link: link}
	if to.Server != from.Server {
		for _, step := range []func() error{c.openFollower, c.followServer} {
			if err := step(); err != nil {
				return err
			}
		}
	}
	if to.Local != from.Local || to.Remote != from.Remote {
		err = c.exchange(stepAddress4, c.address4, to.Remote.IsValid() && to.Remote == from.Remote)
	}
	if err == nil && to.Local6 != from.Local6 {
		err = c.exchange(stepAddress6, c.address6, false)
	}
	if err != nil {
		return err
	}
	return c.mtu()
}

// exchange puts the new address of a family in the place of the old one. With an IPv4 device's last
// address the kernel drops its routes, so the new one comes first; but with the first address of a
// peer it drops all others of that peer, so where that stays, what comes first is ours without a
// peer, and goes again.
func (c *changer) exchange(kind stepKind, add func() error, samePeer bool) error {
	first, then := add, func() error { return nil }
	if samePeer {
		first, then = func() error { return c.address(kind, c.settings.Local, netip.Addr{}, 32) }, add
	}
	before := c.undo
	c.undo = nil
	err := first()
	fresh := c.undo
	var rest, old []undoStep
	for _, step := range before {
		if step.kind != kind {
			rest = append(rest, step)
			continue
		}
		old = append(old, step)
		if err == nil {
			err = step.run()
		}
	}
	c.undo = nil
	if err == nil {
		err = then()
	}
	if len(c.undo) > 0 {
		for _, step := range fresh {
			err = errors.Join(err, step.run())
		}
		fresh = c.undo
	}
	if err != nil {
		rest = append(rest, old...) // an address that is gone already is no error
	}
	// The first step, the routes that were kept, stays the last to be undone, and before it come
	// the addresses.
	c.undo = slices.Insert(rest, 1, fresh...)
	return err
}
