package link

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// idle is how long Run sleeps on an empty link, unless woken.
const idle = time.Hour

// maxOversleep bounds what Run spends looking at the clock before a packet, where
// the timers of the system are worse than that.
const maxOversleep = 100 * time.Microsecond

// Options of a Runner. The zero value of each field is its default.
type Options struct {
	Batch    int // packets in one call of the output at most; 128
	Headroom int // bytes kept free before each packet of a batch; 0
	// Capacity of each buffer of a batch, headroom included; 2048. A larger
	// packet gets a larger one. wireguard's TUN merges the segments of a TCP
	// stream into the first one's buffer, as far as its capacity allows.
	Capacity int
	// RealTime asks the system to run the releasing thread before all ordinary
	// ones (SCHED_FIFO on Linux, which needs CAP_SYS_NICE), so that packets leave
	// in time on a machine whose cores are busy. Without the right to it, or on
	// another system, the runner goes on as it is.
	RealTime bool
	// Yield leaves the processor to others until a packet is due, where Run would
	// look at the clock for the last of the time. Packets then leave some tens of
	// microseconds later, as late as a sleep ends. It is for a link that shares
	// its few cores with what it carries for: the looking can take all of one.
	Yield bool
	// Apart, if not nil, picks packets that have an account of their own too,
	// RunnerStats.Apart. It is called when a packet enters the link.
	Apart func(p []byte) bool
}

// Runner moves packets through a Link in real time: whoever calls Send puts
// them in, and Run hands each to the output when its time has come.
//
// Run needs a processor the moment it wakes. In a process that is busy with other
// work, GOMAXPROCS should leave one for each Runner beyond the machine's cores,
// and RealTime should be asked for; the account's Late shows what that gives.
type Runner struct {
	out func(batch [][]byte) error
	opt Options

	// Only Run uses these.
	bufs    [][]byte
	batch   [][]byte
	due     []time.Time
	emptied *parcel // to be given back to the inbox
	// oversleep is how late a sleep ends, learnt.
	oversleep time.Duration
	woke      time.Time // when the last sleep ended

	roused atomic.Bool // Run is to look at the link again
	in     inbox

	mu   sync.Mutex // guards what follows; only Run and the account hold it
	link *Link
	late Lateness

	wakeMu  sync.Mutex
	sleeper *sleeper // while Run runs
}

// RunnerStats is a Runner's account.
type RunnerStats struct {
	Stats
	Apart    Stats // those of the packets that Options.Apart picks
	InFlight int
	Late     Lateness
}

// NewRunner makes a runner, which takes the link over. out gets the packets, each
// after Headroom bytes; they are valid, and may be written to, during the call.
// Only Run calls out.
func NewRunner(l *Link, out func(batch [][]byte) error, opt Options) (*Runner, error) {
	for _, o := range []struct {
		name       string
		value      *int
		by, lo, hi int
	}{
		{"batch", &opt.Batch, 128, 1, 1024},
		{"headroom", &opt.Headroom, 0, 0, 4096},
		{"capacity", &opt.Capacity, 2048, 1, 1 << 17},
	} {
		if *o.value == 0 {
			*o.value = o.by
		}
		if *o.value < o.lo || *o.value > o.hi {
			return nil, fmt.Errorf("link: %s %d: must be from %d to %d", o.name, *o.value, o.lo, o.hi)
		}
	}
	r := &Runner{
		out: out, opt: opt, link: l,
		bufs:  make([][]byte, opt.Batch),
		batch: make([][]byte, 0, opt.Batch),
		due:   make([]time.Time, 0, opt.Batch),
	}
	l.apart = opt.Apart
	r.in.setSoonest(l.soonest())
	return r, nil
}

// Send puts packets into the link now, from any goroutine. It copies them and
// never waits for the output: what finds no room is dropped and counted.
func (r *Runner) Send(packets ...[]byte) {
	if r.in.put(packets, r.link.accountOf) {
		r.rouse()
	}
}

// takeIn puts all that has arrived into the link; mu is held.
func (r *Runner) takeIn() {
	for first := r.in.take(); first != nil; first = r.in.take() {
		r.putIn(first)
		r.in.giveBack(first)
	}
}

// putIn puts a parcel into the link, which leaves other buffers in it.
func (r *Runner) putIn(p *parcel) {
	for i := range p.arrivals[:p.count] {
		a := &p.arrivals[i]
		a.p = r.link.take(a.at, a.p)
	}
	p.count = 0
}

// rouse ends Run's sleep. Once is enough: Run looks at the link before it sleeps
// again.
func (r *Runner) rouse() {
	if r.roused.Swap(true) {
		return
	}
	r.wakeMu.Lock()
	defer r.wakeMu.Unlock()
	if r.sleeper != nil {
		r.sleeper.wake()
	}
}

// Reconfigure changes the link under way, as [Link.Reconfigure] does.
func (r *Runner) Reconfigure(cfg Config) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.takeIn()
	if err := r.link.Reconfigure(cfg); err != nil {
		return err
	}
	r.in.setSoonest(r.link.soonest())
	return nil
}

// Stats returns the account so far.
func (r *Runner) Stats() RunnerStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.takeIn()
	refused := r.in.refusals()
	apart := r.link.stats[setApart].plus(refused[setApart])
	return RunnerStats{
		Stats: r.link.stats[ordinary].plus(refused[ordinary]).plus(apart),
		Apart: apart, InFlight: r.link.Len(), Late: r.late,
	}
}

// Run releases packets until ctx is done, which returns nil, or until the output
// fails, which returns its error. Packets still in the link stay there.
func (r *Runner) Run(ctx context.Context) error {
	s, err := newSleeper()
	if err != nil {
		return err
	}
	r.wakeMu.Lock()
	r.sleeper = s
	r.wakeMu.Unlock()
	defer func() {
		r.wakeMu.Lock()
		defer r.wakeMu.Unlock()
		r.sleeper = nil
		s.close()
	}()
	defer context.AfterFunc(ctx, r.rouse)()
	s.bind(r.opt.RealTime)
	for ctx.Err() == nil {
		next := r.collect()
		if len(r.batch) == 0 {
			r.await(next)
			continue
		}
		if err := r.out(r.batch); err != nil {
			return err
		}
	}
	return nil
}

// Feed sends what in returns until it fails, and returns its error. The packets
// of a call need to stay valid until the next one only.
func (r *Runner) Feed(in func() (packets [][]byte, err error)) error {
	for {
		packets, err := in()
		r.Send(packets...)
		if err != nil {
			return err
		}
	}
}

// Carry is Feed and Run together, until ctx is done, which returns nil, or in or
// the output fails, which returns the error. It waits for both to end: in must
// fail soon after ctx is done.
func (r *Runner) Carry(ctx context.Context, in func(context.Context) ([][]byte, error)) error {
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	fed := make(chan error, 1)
	go func() {
		defer cancel()
		fed <- r.Feed(func() ([][]byte, error) { return in(work) })
	}()
	err := r.Run(work)
	stopped := ctx.Err() != nil || err != nil
	cancel()
	if feedErr := <-fed; !stopped {
		return feedErr
	}
	return err
}

// shortest is the least that Run sleeps. A timer of a few microseconds runs out
// before the processor is given to anybody, though setting it can cost tens of
// them: a thread that goes before all ordinary ones would never let them run, until
// the system takes the processor from it, on Linux for 50 ms in each second.
const shortest = 20 * time.Microsecond

// longestDoze bounds how long the collection of memory may have to wait for Run.
const longestDoze = 200 * time.Microsecond

// await returns when next has come or an earlier packet was sent. Every sleep
// ends some tens of microseconds late. So one is cut short by as much, and the rest
// is spent looking at the clock, as is all the time until next where it comes
// sooner after the last sleep than another could end. At a high rate that would
// never stop: so it is counted from the last sleep, and what comes due in the next
// one makes a batch.
func (r *Runner) await(next time.Time) {
	began := time.Now()
	if r.opt.Yield {
		r.sleeper.sleep(max(shortest, next.Sub(began)))
		return
	}
	if next.Sub(r.woke) > shortest+r.oversleep {
		sleep := max(shortest, next.Sub(began)-r.oversleep)
		if sleep <= longestDoze {
			r.sleeper.doze(sleep)
		} else {
			r.sleeper.sleep(sleep)
		}
		r.woke = time.Now()
		if r.roused.Load() {
			return
		}
		r.learn(r.woke.Sub(began) - sleep)
	}
	for now := r.woke; now.Before(next) && !r.roused.Load(); {
		now = time.Now()
	}
}

// learn keeps oversleep at what two sleeps in three do not exceed: more would cost
// time spent looking at the clock, less would make packets late.
func (r *Runner) learn(over time.Duration) {
	if over > r.oversleep {
		r.oversleep += (over - r.oversleep) / 8
	} else {
		r.oversleep -= (r.oversleep - over) / 16
	}
	r.oversleep = min(max(r.oversleep, 0), maxOversleep)
}

// retry is how soon Run looks again when a sender kept it from the inbox.
const retry = 20 * time.Microsecond

// collect fills the batch with what is due; when nothing is, it says when that
// will change.
func (r *Runner) collect() (next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.roused.Store(false)
	r.takeSome()
	r.batch, r.due = r.batch[:0], r.due[:0]
	now := time.Now()
	for len(r.batch) < r.opt.Batch {
		p, at, ok := r.link.pop(now)
		if !ok {
			break
		}
		r.batch = append(r.batch, r.fill(len(r.batch), p))
		r.due = append(r.due, at)
	}
	if len(r.batch) > 0 {
		now = time.Now()
		for _, at := range r.due {
			r.late.add(now.Sub(at))
		}
		return time.Time{}
	}
	next, ok := r.link.Next()
	if !ok {
		next = now.Add(idle)
	}
	if !r.in.sleepUntil(next) {
		return now.Add(min(retry, next.Sub(now)))
	}
	return next
}

// someParcels is how many Run puts into the link before it looks at what is due.
const someParcels = 4

// takeSome puts packets that have arrived into the link, unless a sender is at them.
func (r *Runner) takeSome() {
	for range someParcels {
		first, ok := r.in.tryExchange(r.emptied)
		if !ok {
			return
		}
		if r.emptied = first; first == nil {
			return
		}
		r.putIn(first)
	}
}

// fill copies p into the i-th buffer, behind the headroom. The output may have
// moved the ends of the slice it got last time, never those of bufs.
func (r *Runner) fill(i int, p []byte) []byte {
	size := r.opt.Headroom + len(p)
	if cap(r.bufs[i]) < size {
		r.bufs[i] = make([]byte, max(size, r.opt.Capacity))
	}
	buf := r.bufs[i][:size]
	copy(buf[r.opt.Headroom:], p)
	return buf
}
