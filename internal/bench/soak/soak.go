package soak

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/internal/bench/leakcheck"
	"github.com/arc4tun/arc4tun/internal/lab"
	"github.com/arc4tun/arc4tun/internal/raceflag"
	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// Config describes a run.
type Config struct {
	Duration time.Duration // no scene begins after it
	Seed     uint64
	Mode     lab.Mode
	Why      string        // what chose Mode, if it is not Auto
	Only     int           // if not 0, the one scene to play
	Backend  *arc4.Backend // of RC4; nil: the selected one
	Log      *slog.Logger  // of tunnels; nil: no log
	Observer Observer      // nil: nobody

	wrapDevice     func(netdev.Device) netdev.Device // at the client, in tests
	balanceTimeout time.Duration                     // how long accounts may take to add up; 0: balanceTimeout
}

// Observer is told how a run goes, on one goroutine.
type Observer interface {
	Begin(s Scene)
	End(s Scene, r SceneResult)
	Idle(m leakcheck.Memory, faults []string)
}

// Result is what came of a run.
type Result struct {
	Seed     uint64             `json:"seed"`
	Mode     string             `json:"mode"`
	Why      string             `json:"why"`
	Asked    time.Duration      `json:"asked_ns"`
	Took     time.Duration      `json:"took_ns"`
	Scenes   []SceneResult      `json:"scenes"`
	Idle     []leakcheck.Memory `json:"rests"` // without any tunnel, one after each round
	WarmUp   int                `json:"warm_up"`
	Faults   []Fault            `json:"faults"`
	Complete bool               `json:"complete"` // it was not interrupted
}

// Fault is something that went wrong.
type Fault struct {
	Scene int    `json:"scene"` // 0: of none
	What  string `json:"what"`
}

// scenesPerRound is how many scenes one lab sees. After them the process is idle: everything is
// ended, and must be gone.
const scenesPerRound = 7

// shortestScene is shorter than any scene with what follows it.
const shortestScene = 3 * time.Second

// warmUpRounds are left out of what memory is compared: in them every kind of scene has had its
// turn.
func warmUpRounds() int { return (len(sceneKinds) + scenesPerRound - 1) / scenesPerRound }

// growthAllowed is the share by which memory may grow, between the end of the warm-up and that of
// the run.
const growthAllowed = 0.02

// run is a Run under way.
type run struct {
	cfg    Config
	plan   *plan
	result Result
	leaks  *leakcheck.Baseline
	began  time.Time
}

// Run plays scenes for as long as asked, and says what came of it. The error is that it could not
// be done at all, or that ctx has ended; what went wrong with the tunnels is in the result.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if cfg.Duration <= 0 && cfg.Only == 0 {
		return nil, fmt.Errorf("soak: duration %v: must be more than 0, such as 1h", cfg.Duration)
	}
	if cfg.Only < 0 {
		return nil, fmt.Errorf("soak: scene %d: they are numbered from 1", cfg.Only)
	}
	if cfg.Backend == nil {
		b, err := arc4.Lookup("")
		if err != nil {
			return nil, err
		}
		cfg.Backend = b
	}
	cfg = cfg.withDefaults()
	r := &run{cfg: cfg, plan: newPlan(cfg.Seed), began: time.Now()}
	r.result = Result{Seed: cfg.Seed, Asked: cfg.Duration, Faults: []Fault{}, WarmUp: warmUpRounds()}
	// What the run itself notes must not look like a leak.
	most := int(cfg.Duration/shortestScene) + 1
	r.result.Scenes = make([]SceneResult, 0, most)
	r.result.Idle = make([]leakcheck.Memory, 0, most)
	err := r.runRounds(ctx)
	r.result.Took = time.Since(r.began)
	r.describe()
	r.result.Complete = err == nil
	if err == nil {
		r.checkWhole()
	}
	return &r.result, err
}

// describe says of each scene what it was. Only now, for that takes memory; a plan is the same each
// time.
func (r *run) describe() {
	plan := newPlan(r.cfg.Seed)
	plan.firstSettings()
	for i := range r.result.Scenes {
		s := plan.next()
		for s.Number < r.result.Scenes[i].Number {
			s = plan.next()
		}
		r.result.Scenes[i].Scene = s.String()
	}
}

// withDefaults fills in who listens, and how long is waited.
func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Observer == nil {
		c.Observer = noObserver{}
	}
	if c.balanceTimeout == 0 {
		c.balanceTimeout = balanceTimeout
	}
	return c
}

type noObserver struct{}

func (noObserver) Begin(Scene)                     {}
func (noObserver) End(Scene, SceneResult)          {}
func (noObserver) Idle(leakcheck.Memory, []string) {}

func (r *run) fault(scene int, what string) {
	r.result.Faults = append(r.result.Faults, Fault{scene, what})
}

// runRounds plays round after round.
func (r *run) runRounds(ctx context.Context) error {
	server, client := r.plan.firstSettings()
	// What a process makes once and keeps is made by a first tunnel, which nothing is asked of.
	leakcheck.SpawnThreads()
	w, err := openTestbed(ctx, r.cfg, server, client, r.cfg.Seed)
	if err != nil {
		return err
	}
	r.result.Mode, r.result.Why = w.lab.Mode().String(), w.lab.Why()
	// The mode stays, whatever may be had later.
	r.cfg.Mode, r.cfg.Why = w.lab.Mode(), w.lab.Why()
	if err := w.close(); err != nil {
		return err
	}
	time.Sleep(time.Second) // a bounded wait for those of the first tunnel that are on their way out
	r.leaks = leakcheck.NewBaseline(leakcheck.Timeout)
	for round := uint64(1); !r.over(); round++ {
		if server, client, err = r.round(ctx, server, client, r.cfg.Seed+round<<32); err != nil {
			return err
		}
	}
	return nil
}

// over reports whether no scene is to begin.
func (r *run) over() bool {
	if r.cfg.Only > 0 {
		return r.plan.n >= r.cfg.Only
	}
	return time.Since(r.began) >= r.cfg.Duration
}

// round plays some scenes in one testbed, until one goes wrong, and looks for leaks. It gives the
// settings with which the ends go on.
func (r *run) round(ctx context.Context, server, client endSettings, seed uint64) (endSettings, endSettings, error) {
	next := func() Scene {
		s := r.plan.next()
		if s.Server != nil {
			server = *s.Server
		}
		if s.Client != nil {
			client = *s.Client
		}
		return s
	}
	for r.cfg.Only > 0 && r.plan.n < r.cfg.Only-1 {
		next()
	}
	w, err := openTestbed(ctx, r.cfg, server, client, seed)
	if err != nil {
		return server, client, fmt.Errorf("before scene %d: %w; again: %s", r.plan.n+1, err, r.result.Again(r.plan.n+1))
	}
	good := true
	for i := 0; i < scenesPerRound && good && !r.over() && err == nil; i++ {
		good, err = r.scene(ctx, w, next())
	}
	if closeErr := w.close(); closeErr != nil && err == nil {
		r.fault(r.plan.n, fmt.Sprintf("ending the tunnel and its network: %v", closeErr))
	}
	for _, f := range w.takeFaults() {
		r.fault(r.plan.n, "ending the tunnel: "+f)
	}
	if err != nil {
		return server, client, err
	}
	w = nil
	faults, m := r.leaks.Check(ctx), leakcheck.MeasureLeast()
	for _, f := range faults {
		r.fault(r.plan.n, f)
	}
	r.result.Idle = append(r.result.Idle, m)
	r.cfg.Observer.Idle(m, faults)
	if len(faults) > 0 {
		r.leaks = leakcheck.NewBaseline(leakcheck.Timeout) // each leak is reported once
	}
	return server, client, ctx.Err()
}

// scene plays one; good is false if anything was wrong.
func (r *run) scene(ctx context.Context, w *testbed, s Scene) (good bool, err error) {
	r.cfg.Observer.Begin(s)
	result, err := w.playScene(ctx, s)
	if err != nil && ctx.Err() == nil {
		// The scene has failed, the run has not.
		result.Faults, err = append(result.Faults, err.Error()), nil
	}
	result.Memory = leakcheck.Measure()
	if err != nil {
		return false, err
	}
	r.result.Scenes = append(r.result.Scenes, result)
	for _, f := range result.Faults {
		r.fault(s.Number, f)
	}
	r.cfg.Observer.End(s, result)
	return len(result.Faults) == 0, nil
}

// packetsToWrap is after how many GRE packets a session must have passed the end of its numbers:
// four times as many as it begins before the end, since packets that only acknowledge have none.
const packetsToWrap = 4 * beforeEnd

// checkWhole demands what only a whole run can show.
func (r *run) checkWhole() {
	if r.cfg.Only > 0 {
		return
	}
	var sum [2]Traffic
	sessions := uint64(len(r.result.Idle)) + 1 // each round begins with one
	for _, s := range r.result.Scenes {
		sessions += s.Sessions
		for i := range sum {
			sum[i] = sum[i].plus(s.Traffic[i])
		}
	}
	for i, t := range sum {
		// By then one session at least has had so many, however slow the machine is and whatever
		// the scenes were.
		if t.GRE >= sessions*packetsToWrap && (t.SequenceWraps == 0 || t.CoherencyWraps == 0) {
			r.fault(0, fmt.Sprintf("%s: in %d packets of %d sessions none has passed the end of its sequence numbers (%d) and of its coherency counts (%d)",
				directionNames[i], t.GRE, sessions, t.SequenceWraps, t.CoherencyWraps))
		}
	}
	if f := r.result.memoryFault(); f != "" {
		r.fault(0, f)
	}
}

// memoryGrowth compares the memory of the idle process after the warm-up with that at the end of
// the run; false if the run was too short to tell.
func (r *Result) memoryGrowth(of func(leakcheck.Memory) uint64) (from, to uint64, known bool) {
	if len(r.Idle) < r.WarmUp {
		return 0, 0, false
	}
	return leakcheck.Growth(r.Idle[r.WarmUp:], of)
}

// memoryFault says how memory has grown beyond what is allowed, or nothing.
func (r *Result) memoryFault() string {
	measures := []struct {
		name string
		of   func(leakcheck.Memory) uint64
	}{{"live heap", func(m leakcheck.Memory) uint64 { return m.Heap }}, {"resident memory", func(m leakcheck.Memory) uint64 { return m.RSS }}}
	if raceflag.Enabled {
		measures = measures[:1] // the race detector's own memory grows with every address that is used
	}
	for _, m := range measures {
		from, to, known := r.memoryGrowth(m.of)
		if known && float64(to) > float64(from)*(1+growthAllowed) {
			return fmt.Sprintf("the %s at rest has grown from %d to %d bytes, by more than %.0f%%", m.name, from, to, growthAllowed*100)
		}
	}
	return ""
}
