package netstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// ErrDown is what comes of asking for something that goes through the tunnel while that is down,
// and does not come up in time.
var ErrDown = errors.New("the tunnel is down")

// current gives the stack once packets pass, and waits for that within bounds.
func (d *Dialer) current(ctx context.Context) (*stack, error) {
	var late <-chan time.Time
	for {
		d.mu.Lock()
		s, up, leaves, changed := d.now, d.up, d.leaves, d.changed
		d.mu.Unlock()
		switch {
		case leaves:
			return nil, net.ErrClosed
		case s != nil && up:
			return s, nil
		}
		if late == nil {
			timer := time.NewTimer(d.wait)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-changed:
		case <-late:
			return nil, fmt.Errorf("%w, and was so for the last %v", ErrDown, d.wait)
		case <-ctx.Done():
			return nil, fmt.Errorf("%w (%w)", ErrDown, context.Cause(ctx))
		}
	}
}
