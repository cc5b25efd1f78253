package main

import (
	"fmt"
	"io"
	"time"

	"github.com/arc4tun/arc4tun/internal/bench/leakcheck"
	"github.com/arc4tun/arc4tun/internal/bench/soak"
	"github.com/arc4tun/arc4tun/internal/progressbar"
)

// progress says what is going on: a bar with the time left on a terminal, elsewhere a line for each
// scene.
type progress struct {
	out   io.Writer
	began time.Time
	total time.Duration

	bar  *progressbar.Bar
	stop func() // ends the bar's moving
}

func newProgress(w io.Writer, cfg soak.Config) *progress {
	p := &progress{out: w, began: time.Now(), total: cfg.Duration, stop: func() {}}
	fmt.Fprintf(w, "soak: seed %d, %v\n", cfg.Seed, cfg.Duration)
	if cfg.Only > 0 {
		return p
	}
	p.bar = progressbar.New(w, p.total.Milliseconds())
	// The last scene may end after the time is up.
	p.stop = p.bar.Follow(func() int64 { return min(time.Since(p.began), p.total-time.Millisecond).Milliseconds() })
	return p
}

// Begin names a scene.
func (p *progress) Begin(s soak.Scene) {
	p.bar.Describe(fmt.Sprintf("%d %s", s.Number, s.Kind))
}

// End says what came of it.
func (p *progress) End(s soak.Scene, r soak.SceneResult) {
	if p.bar != nil && len(r.Faults) == 0 {
		return
	}
	verdict := "good"
	if len(r.Faults) > 0 {
		verdict = "BAD"
	}
	p.say("%6.0fs scene %d %s: %s (%.1f s, %d sessions, %.2f MB)", time.Since(p.began).Seconds(), r.Number, verdict, s,
		r.Took.Seconds(), r.Sessions, float64(r.Memory.RSS)/1e6)
	for _, f := range r.Faults {
		p.say("        %s", f)
	}
}

// Idle says what is left without a tunnel.
func (p *progress) Idle(m leakcheck.Memory, faults []string) {
	if p.bar != nil && len(faults) == 0 {
		return
	}
	p.say("%6.0fs at rest: %d goroutines, %d files, %.2f MB resident, %.2f MB of heap", time.Since(p.began).Seconds(), m.Goroutines, m.Files,
		float64(m.RSS)/1e6, float64(m.Heap)/1e6)
	for _, f := range faults {
		p.say("        %s", f)
	}
}

// say prints a line, above the bar if there is one.
func (p *progress) say(format string, values ...any) {
	if p.bar != nil {
		p.bar.Say(format, values...)
		return
	}
	fmt.Fprintf(p.out, format+"\n", values...)
}

// end takes the bar away.
func (p *progress) end() {
	p.stop()
	p.bar.End()
}
