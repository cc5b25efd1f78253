package scale

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/cputime"
)

// Config says what to measure. The zero value of each field but Sessions works.
type Config struct {
	Sessions int           // 1 to MaxSessions
	Duration time.Duration // of the traffic, after a warm-up of a quarter of it; 0: 4 s
	Bytes    int           // of a packet in the tunnel; 0: 1400
	Backend  *arc4.Backend // RC4 of both ends; nil: the selected one
	Log      *slog.Logger  // nil: no log
}

// MaxSessions is how many the addresses are for.
const MaxSessions = 60_000

func (c Config) withDefaults() (Config, error) {
	if c.Duration == 0 {
		c.Duration = 4 * time.Second
	}
	if c.Bytes == 0 {
		c.Bytes = 1400
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	switch {
	case c.Sessions < 1 || c.Sessions > MaxSessions:
		return c, fmt.Errorf("scale: %d sessions: must be 1 to %d", c.Sessions, MaxSessions)
	case c.Bytes < leastSize || c.Bytes > 1400:
		return c, fmt.Errorf("scale: packets of %d bytes: must be %d to 1400", c.Bytes, leastSize)
	case c.Duration < 0:
		return c, fmt.Errorf("scale: traffic for %v: must be positive", c.Duration)
	}
	return c, nil
}

// window is how many packets of one session are under way.
func (c Config) window() int { return min(max(4096/c.Sessions, 2), 256) }

// deviceBatch is how many packets a client's device gives at once.
func (c Config) deviceBatch() int { return min(c.window(), 128) }

// Row is what was measured with so many sessions.
type Row struct {
	Sessions int `json:"sessions"`
	Cores    int `json:"cores"`

	SetUp    time.Duration `json:"set_up_ns"`     // until the last was up
	SetUpCPU time.Duration `json:"set_up_cpu_ns"` // what the processors spent on that, both ends together
	TearDown time.Duration `json:"tear_down_ns"`  // until the last was gone, in order

	Idle int64 `json:"idle_bytes"` // of the server, a session that has carried nothing yet: heap and stacks
	Busy int64 `json:"busy_bytes"` // of the server, a session after the traffic

	Packets  uint64        `json:"packets"` // of all sessions, there and back
	Bytes    int           `json:"packet_bytes"`
	Duration time.Duration `json:"duration_ns"`
	CPU      time.Duration `json:"cpu_ns"` // what the processors spent meanwhile, both ends together
	Least    uint64        `json:"least"`  // packets of the session that had the fewest
	Most     uint64        `json:"most"`   // of the one that had the most
}

// SetUpRate is in sessions a second.
func (r Row) SetUpRate() float64 { return float64(r.Sessions) / r.SetUp.Seconds() }

// BitsPerSecond is what went each way through all sessions.
func (r Row) BitsPerSecond() float64 {
	return float64(r.Packets) * float64(r.Bytes) * 8 / r.Duration.Seconds()
}

// Share is what the session with the least had of what the one with the most had.
func (r Row) Share() float64 { return float64(r.Least) / float64(max(r.Most, 1)) }

// Measure measures one row. Where memory is to count, it should be the only one of its process:
// what one row leaves in the heap is in the way of the next.
func Measure(ctx context.Context, cfg Config) (Row, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return Row{}, err
	}
	row := Row{Sessions: cfg.Sessions, Cores: runtime.GOMAXPROCS(0), Bytes: cfg.Bytes}
	if err := row.measureIdle(ctx, cfg); err != nil {
		return row, fmt.Errorf("scale: idle sessions: %w", err)
	}
	if err := row.measureBusy(ctx, cfg); err != nil {
		return row, fmt.Errorf("scale: traffic: %w", err)
	}
	return row, nil
}

// measureIdle sets sessions up and measures what memory they take.
func (r *Row) measureIdle(ctx context.Context, cfg Config) error {
	c, err := openTestbed(ctx, cfg)
	if err != nil {
		return err
	}
	bare, err := c.memoryAfter(nil)
	if err == nil {
		spent := cputime.Process()
		r.SetUp, err = c.setUp(ctx)
		r.SetUpCPU = cputime.Process() - spent
	}
	if err == nil {
		r.Idle, err = c.memoryAfter(c.vanish)
		r.Idle = (r.Idle - bare) / int64(cfg.Sessions)
	}
	_, closeErr := c.close()
	return errors.Join(err, closeErr)
}

// measureBusy lets packets run in circles through all sessions.
func (r *Row) measureBusy(ctx context.Context, cfg Config) error {
	c, err := openTestbed(ctx, cfg)
	if err != nil {
		return err
	}
	bare, err := c.memoryAfter(nil)
	if err == nil {
		_, err = c.setUp(ctx)
	}
	if err == nil {
		err = r.traffic(ctx, c)
	}
	if err == nil {
		r.Busy, err = c.memoryAfter(c.vanish)
		r.Busy = (r.Busy - bare) / int64(cfg.Sessions)
	}
	_, closeErr := c.close()
	if err := errors.Join(err, closeErr); err != nil {
		return err
	}
	// Once more, for how long sessions take to end in order.
	if c, err = openTestbed(ctx, cfg); err != nil {
		return err
	}
	if _, err = c.setUp(ctx); err != nil {
		_, closeErr = c.close()
		return errors.Join(err, closeErr)
	}
	r.TearDown, err = c.close()
	return err
}

// traffic measures what goes through.
func (r *Row) traffic(ctx context.Context, c *testbed) error {
	for _, cl := range c.clients {
		cl.device.start(c.cfg.window())
	}
	pause(ctx, c.cfg.Duration/4)
	before := make([]uint64, len(c.clients))
	began, spent := time.Now(), cputime.Process()
	for i, cl := range c.clients {
		before[i], _ = cl.device.returnedAndAway()
	}
	pause(ctx, c.cfg.Duration)
	r.Duration, r.CPU = time.Since(began), cputime.Process()-spent
	r.Packets, r.Least, r.Most = 0, math.MaxUint64, 0
	for i, cl := range c.clients {
		n, _ := cl.device.returnedAndAway()
		n -= before[i]
		r.Packets += n
		r.Least, r.Most = min(r.Least, n), max(r.Most, n)
	}
	for _, cl := range c.clients {
		cl.device.pause()
	}
	return errors.Join(ctx.Err(), c.settle(ctx))
}

// settle waits until nothing is under way, and demands that all has come back.
func (c *testbed) settle(ctx context.Context) error {
	for limit := time.Now().Add(cmp.Or(c.settleTimeout, callTimeout)); ; pause(ctx, time.Millisecond) {
		away := uint64(0)
		for _, cl := range c.clients {
			_, n := cl.device.returnedAndAway()
			away += n
		}
		switch {
		case away == 0 || ctx.Err() != nil:
			var errs []error
			for _, cl := range c.clients {
				errs = append(errs, cl.device.firstFailure())
			}
			return errors.Join(errs...)
		case time.Now().After(limit):
			return fmt.Errorf("%d packets did not come back", away)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// memoryAfter says what the heap and the stacks of this process hold after do, which may
// be nil, and after all garbage is gone.
func (c *testbed) memoryAfter(do func() error) (int64, error) {
	if do != nil {
		if err := do(); err != nil {
			return 0, err
		}
	}
	// Twice: what a pool has is given up by the second collection only.
	for range 3 {
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse), nil
}
