package link

import (
	"fmt"
	"time"
)

// Bounds of Config, and the queue that a zero Limit stands for. At 1400-byte
// packets the default holds 200 ms of 900 Mb/s.
const (
	DefaultLimit = 16384
	MaxLimit     = 1 << 20
	MaxDelay     = time.Hour
	MinRate      = 1_000
	MaxRate      = 1_000_000_000_000
)

// Config describes one direction of a link. The zero value is a perfect one.
type Config struct {
	Delay        time.Duration // one way
	Jitter       time.Duration // the spread that Distribution gives a meaning to
	Distribution Distribution
	Loss         float64 // share of packets lost, 0 to 1
	Duplicate    float64 // share of packets doubled, 0 to 1
	Reorder      float64 // share of packets that skip the delay, 0 to 1; needs a delay
	Rate         int64   // bits a second; 0: no limit
	Limit        int     // packets in the link, waiting or in flight; 0: DefaultLimit
	Seed         uint64  // of all the chances
}

func (c Config) validate() error {
	for name, d := range map[string]time.Duration{"delay": c.Delay, "jitter": c.Jitter} {
		if d < 0 || d > MaxDelay {
			return fmt.Errorf("link: %s %v: must be from 0 to %v", name, d, MaxDelay)
		}
	}
	for name, share := range map[string]float64{"loss": c.Loss, "duplicate": c.Duplicate, "reorder": c.Reorder} {
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("link: %s %s: must be from 0%% to 100%%", name, percent(share))
		}
	}
	switch {
	case c.Distribution > Pareto:
		return fmt.Errorf("link: unknown %v: use uniform, normal or pareto", c.Distribution)
	case c.Reorder > 0 && c.Delay == 0 && c.Jitter == 0:
		return fmt.Errorf("link: reorder %s: needs a delay that some packets can skip", percent(c.Reorder))
	case c.Rate != 0 && (c.Rate < MinRate || c.Rate > MaxRate):
		return fmt.Errorf("link: rate %dbit: must be from 1kbit to 1000gbit", c.Rate)
	case c.Limit < 0 || c.Limit > MaxLimit:
		return fmt.Errorf("link: limit %d: must be from 1 to %d packets", c.Limit, MaxLimit)
	}
	return nil
}
