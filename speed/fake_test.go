package speed

import (
	"context"
	"errors"
	"time"

	"github.com/arc4tun/arc4tun/internal/timing"
)

// fakeClock stands still until fake work moves it. Half of the time that passes is CPU time.
type fakeClock struct{ now time.Duration }

func (c *fakeClock) Wall() time.Duration { return c.now }
func (c *fakeClock) CPU() time.Duration  { return c.now / 2 }

// fakeWork takes its cost, exactly, for every operation.
type fakeWork struct {
	clock *fakeClock
	cost  time.Duration
	step  int    // operations come in multiples of this
	after func() // called after every run
}

func (w *fakeWork) run(n int) int {
	n = (n + w.step - 1) / w.step * w.step
	w.clock.now += time.Duration(n) * w.cost
	if w.after != nil {
		w.after()
	}
	return n
}

var errBroken = errors.New("keystream differs at offset 240")

// fakeRunner measures on one fake clock: "fast" takes 1 ns a byte, "slow" 10 ns, key set-up 1 µs
// and 10 µs, "broken" fails its self-test, and "narrow" has no workload but the stream, with 100 ns
// a byte.
func fakeRunner() *runner {
	c := &fakeClock{}
	bytes := func(cost time.Duration, step int) makeWork {
		return func(size int, _ *timing.Keys) (timing.Work, error) {
			return (&fakeWork{clock: c, cost: cost * time.Duration(size), step: step}).run, nil
		}
	}
	keys := func(cost time.Duration) makeWork {
		return func(int, *timing.Keys) (timing.Work, error) {
			return (&fakeWork{clock: c, cost: cost, step: 1}).run, nil
		}
	}
	return &runner{
		clock: func() timing.Clock { return c },
		implementations: []implementation{
			{"fast", ours, passes, map[Workload]makeWork{Stream: bytes(1, 1), Packets: bytes(2, packetsPerCall), KeySetup: keys(time.Microsecond)}},
			{"slow", ours, passes, map[Workload]makeWork{Stream: bytes(10, 1), Packets: bytes(20, packetsPerCall), KeySetup: keys(10 * time.Microsecond)}},
			{"broken", ours, func() error { return errBroken }, map[Workload]makeWork{Stream: nil}},
			{"narrow", ours, passes, map[Workload]makeWork{Stream: bytes(100, 1)}},
		},
	}
}

// fakeComparison is fakeRunner beside two peers, "libcrypto" with 3 ns a byte and key set-ups of 5
// µs, and "crypto/rc4" with 6 ns a byte and no key set-up; "aes" is no RC4 and "auto" another name
// for fast.
func fakeComparison() *runner {
	r := fakeRunner()
	fast := r.implementations[0]
	c := r.clock().(*fakeClock)
	bytes := func(cost time.Duration) makeWork {
		return func(size int, _ *timing.Keys) (timing.Work, error) {
			return (&fakeWork{clock: c, cost: cost * time.Duration(size), step: 1}).run, nil
		}
	}
	keys := func(int, *timing.Keys) (timing.Work, error) {
		return (&fakeWork{clock: c, cost: 5 * time.Microsecond, step: 1}).run, nil
	}
	r.implementations = append(r.implementations,
		implementation{"aes", other, fast.check, map[Workload]makeWork{Stream: bytes(1)}},
		implementation{"libcrypto", peer, fast.check, map[Workload]makeWork{Stream: bytes(3), KeySetup: keys}},
		implementation{"crypto/rc4", peer, fast.check, map[Workload]makeWork{Stream: bytes(6)}},
		implementation{"auto", hidden, fast.check, fast.works})
	return r
}

// fakeReport is what a fake runner measures, on a machine that does not depend on where the test
// runs.
func fakeReport(ctx context.Context, runner *runner, cfg Config) (*Report, error) {
	r, err := runner.run(ctx, cfg)
	if err != nil {
		return nil, err
	}
	r.Version, r.GOOS, r.GOARCH = "v1.2.3", "linux", "mipsle"
	r.CPU = CPU{Brand: "MIPS 24Kc V5.0", Features: []string{"dsp", "mips16", "mips32r2"}, Count: 1}
	r.Selected, r.Why = "fast", "fastest of 2"
	return r, nil
}

// recorder is an Observer that keeps everything.
type recorder struct {
	planned   int
	begun     []Case
	done, all []int // of the rounds
	cases     []Case
	ended     []Result
}

func (r *recorder) Planned(n int, _ time.Duration) { r.planned = n }
func (r *recorder) Begin(c Case)                   { r.begun = append(r.begun, c) }
func (r *recorder) End(x Result)                   { r.ended = append(r.ended, x) }

func (r *recorder) Rounds(cases []Case, done, all int) {
	r.cases = cases
	r.done, r.all = append(r.done, done), append(r.all, all)
}
