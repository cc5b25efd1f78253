package pppdhook

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"
)

// Limits bound what runs. The zero value of each stands for a default.
type Limits struct {
	AtOnce  int           // programs that run side by side, of all links; 0: 4
	Longest time.Duration // after which a program is killed; 0: a minute
	PreUp   time.Duration // the most that a link waits for IPPreUp, its turn included; 0: 10 s
}

// Runner runs the programs of any number of links.
type Runner struct {
	programs Programs
	limits   Limits
	log      *slog.Logger
	places   chan struct{} // one is held by each program that runs
	ending   chan struct{} // closed when what runs is to end
	hurry    sync.Once
	working  sync.WaitGroup
}

// New gives a runner; a nil Logger is slog.Default. Call Close in the end.
func New(p Programs, l Limits, log *slog.Logger) *Runner {
	l.AtOnce, l.Longest, l.PreUp = cmp.Or(l.AtOnce, 4), cmp.Or(l.Longest, time.Minute), cmp.Or(l.PreUp, 10*time.Second)
	return &Runner{programs: p, limits: l, log: cmp.Or(log, slog.Default()), places: make(chan struct{}, l.AtOnce), ending: make(chan struct{})}
}

// Close waits until everything has run, and for at most so long: what still runs then is killed,
// and what has not begun is left out, and the log says so. No link may be told anything any more.
func (r *Runner) Close(wait time.Duration) {
	done := make(chan struct{})
	go func() {
		r.working.Wait()
		close(done)
	}()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		r.hurry.Do(func() { close(r.ending) })
		<-done
	}
}

// run runs one program to its end.
func (r *Runner) run(ctx context.Context, argv, env []string, longest time.Duration) {
	name := argv[0]
	select {
	case r.places <- struct{}{}:
		defer func() { <-r.places }()
	case <-ctx.Done():
		r.log.Warn("a hook is left out: others still run", "hook", name, "interface", argv[1], "reason", reason(ctx))
		return
	case <-r.ending:
		r.log.Warn("a hook is left out: this program ends, and others still ran", "hook", name, "interface", argv[1])
		return
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		r.log.Warn("a hook is left out", "hook", name, "error", err)
		return
	}
	defer null.Close()
	p, err := os.StartProcess(name, argv, &os.ProcAttr{
		Dir: "/", Env: env, Files: []*os.File{null, null, null}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		r.log.Warn("a hook cannot be run", "hook", name, "error", err)
		return
	}
	r.log.Debug("a hook runs", "hook", name, "interface", argv[1], "pid", p.Pid)
	r.await(ctx, p, name, longest)
}

// await waits for a program, and kills it with all that it has started when it takes too long.
func (r *Runner) await(ctx context.Context, p *os.Process, name string, longest time.Duration) {
	ended := make(chan struct{})
	killer := make(chan struct{})
	go func() {
		defer close(killer)
		timer := time.NewTimer(longest)
		defer timer.Stop()
		var why string
		select {
		case <-ended:
			return
		case <-timer.C:
			why = "it took longer than " + longest.String()
		case <-ctx.Done():
			why = reason(ctx)
		case <-r.ending:
			why = "this program ends"
		}
		// It is the leader of a group, and so is killed with its children.
		if err := syscall.Kill(-p.Pid, syscall.SIGKILL); err == nil {
			r.log.Warn("a hook is killed", "hook", name, "pid", p.Pid, "reason", why)
		}
	}()
	state, err := p.Wait()
	close(ended)
	<-killer
	switch {
	case err != nil:
		r.log.Warn("waiting for a hook", "hook", name, "error", err)
	case !state.Success():
		r.log.Warn("a hook has failed", "hook", name, "state", state.String())
	}
}

// reason says why a context has ended.
func reason(ctx context.Context) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return context.Cause(ctx).Error()
	}
	return "this program ends"
}
