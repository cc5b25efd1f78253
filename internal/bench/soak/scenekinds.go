package soak

import (
	"slices"
	"time"

	"github.com/arc4tun/arc4tun/internal/lab/link"
)

// sceneKind is one kind of trouble; fill makes a scene of it.
type sceneKind struct {
	name string
	fill func(p *plan, s *Scene)
}

// sceneKinds are all of them.
var sceneKinds = []sceneKind{
	{"at full speed", fullSpeed},
	{"loss", loss},
	{"duplication", duplication},
	{"reordering", reordering},
	{"long tails", longTails},
	{"a slow line", slowLine},
	{"bursts", bursts},
	{"all at once", allAtOnce},
	{"a flapping link", flapping},
	{"a long outage", longOutage},
	{"an outage one way", outageOneWay},
	{"server killed", serverKilled},
	{"server killed during an outage", serverKilledUnheard},
	{"server restarted in order", serverRestarted},
	{"client's power lost", clientDies},
	{"new server and client", newServerAndClient},
	{"clocks jump ahead", clocksAhead},
	{"clocks jump back", clocksBack},
	{"memory is short", memoryShort},
}

// echoTimeout is how long either end takes to miss the other one.
const (
	echoInterval = 700 * time.Millisecond
	echoFailures = 10
	echoTimeout  = echoInterval * echoFailures
)

// bothDirections gives each direction a link of the same kind, drawn anew.
func bothDirections(s *Scene, draw func() link.Config) { s.Download, s.Upload = draw(), draw() }

// A session passes the end of both its numbers in such a scene: some thousand
// packets a second and more.
func fullSpeed(p *plan, s *Scene) {
	s.Load.Stream = 0
	client := p.drawSettings()
	s.Client = &client
}

func loss(p *plan, s *Scene) {
	bothDirections(s, func() link.Config { return link.Config{Loss: p.share(0.001, 0.1)} })
}

func duplication(p *plan, s *Scene) {
	bothDirections(s, func() link.Config {
		return link.Config{Duplicate: p.share(0.01, 0.5), Delay: p.span(0, 5*time.Millisecond)}
	})
}

func reordering(p *plan, s *Scene) {
	bothDirections(s, func() link.Config {
		delay := p.span(time.Millisecond, 60*time.Millisecond)
		return link.Config{Delay: delay, Jitter: p.span(delay/10, delay), Reorder: p.share(0, 0.1)}
	})
}

func longTails(p *plan, s *Scene) {
	bothDirections(s, func() link.Config {
		return link.Config{
			Delay: p.span(5*time.Millisecond, 40*time.Millisecond), Jitter: p.span(5*time.Millisecond, 100*time.Millisecond),
			Distribution: pick(p.rng, link.Normal, link.Pareto), Loss: p.share(0, 0.01),
		}
	})
}

// slowLine has a queue that TCP makes overflow. The rest leaves room for half a line, so that the
// keep-alive has a chance.
func slowLine(p *plan, s *Scene) {
	bothDirections(s, func() link.Config {
		return link.Config{Rate: 1_000_000 * (4 + p.rng.Int64N(30)), Limit: 50 + p.rng.IntN(300)}
	})
	s.Load.Stream = 0
	s.Load.Datagrams = int(min(s.Download.Rate, s.Upload.Rate) / (2 * 8 * maxDatagram))
	s.Load.Burst = 1 + s.Load.Burst/4
}

// bursts are of loss and of traffic.
func bursts(p *plan, s *Scene) {
	bothDirections(s, func() link.Config { return link.Config{Delay: p.span(0, 10*time.Millisecond)} })
	for at := p.span(0, 400*time.Millisecond); at < s.Lasts-300*time.Millisecond; at += p.span(100*time.Millisecond, 600*time.Millisecond) {
		if p.rng.IntN(2) == 0 {
			s.Events = append(s.Events, event{At: at, Kind: burstOfTraffic, Count: 50 + p.rng.IntN(250)})
			continue
		}
		s.Events = append(s.Events, event{At: at, Kind: linkDown, Only: outageDirection(p.rng.IntN(3))})
		at += p.span(5*time.Millisecond, 150*time.Millisecond)
		s.Events = append(s.Events, event{At: at, Kind: linkUp})
	}
}

func allAtOnce(p *plan, s *Scene) {
	bursts(p, s)
	bothDirections(s, func() link.Config {
		delay := p.span(time.Millisecond, 80*time.Millisecond)
		return link.Config{
			Delay: delay, Jitter: p.span(0, delay), Distribution: pick(p.rng, link.Uniform, link.Normal, link.Pareto),
			Loss: p.share(0, 0.05), Duplicate: p.share(0, 0.1), Reorder: p.share(0, 0.1), Limit: 500 + p.rng.IntN(1500),
		}
	})
}

// flapping outages are too short to be missed.
func flapping(p *plan, s *Scene) {
	for at := p.span(0, time.Second); at < s.Lasts-1600*time.Millisecond; at += p.span(300*time.Millisecond, 2*time.Second) {
		s.Events = append(s.Events, event{At: at, Kind: linkDown})
		at += p.span(200*time.Millisecond, 1500*time.Millisecond)
		s.Events = append(s.Events, event{At: at, Kind: linkUp})
	}
}

func longOutage(p *plan, s *Scene) { outage(p, s, bothWays) }

func outageOneWay(p *plan, s *Scene) { outage(p, s, pick(p.rng, downloadOnly, uploadOnly)) }

// outage is about as long as it takes to be missed, on either side of that.
func outage(p *plan, s *Scene, only outageDirection) {
	at := p.span(500*time.Millisecond, time.Second)
	up := at + p.span(echoTimeout*6/10, echoTimeout*2)
	s.Events = append(s.Events, event{At: at, Kind: linkDown, Only: only}, event{At: up, Kind: linkUp})
	s.Lasts = up + p.span(time.Second, 3*time.Second)
	// The stack of userspace mode repeats what was lost at ten segments a second.
	s.Load.Stream = 16 << 10
}

func serverKilled(p *plan, s *Scene) {
	bothDirections(s, func() link.Config { return link.Config{Loss: p.share(0, 0.01), Delay: p.span(0, 10*time.Millisecond)} })
	at := p.span(time.Second, 2*time.Second)
	back := at + p.span(50*time.Millisecond, 1500*time.Millisecond)
	s.Events = append(s.Events, event{At: at, Kind: killServer}, event{At: back, Kind: restartServer})
	s.Lasts = back + p.span(3*time.Second, 5*time.Second)
}

// serverKilledUnheard: the client hears nothing of the server's end.
func serverKilledUnheard(p *plan, s *Scene) {
	at := p.span(time.Second, 2*time.Second)
	up := at + p.span(500*time.Millisecond, 2*time.Second)
	s.Events = []event{
		{At: at, Kind: linkDown}, {At: at + 50*time.Millisecond, Kind: killServer},
		{At: at + 200*time.Millisecond, Kind: restartServer}, {At: up, Kind: linkUp},
	}
	s.Lasts = up + echoTimeout + p.span(2*time.Second, 4*time.Second)
}

func serverRestarted(p *plan, s *Scene) {
	at := p.span(time.Second, 2*time.Second)
	back := at + p.span(50*time.Millisecond, 1500*time.Millisecond)
	s.Events = append(s.Events, event{At: at, Kind: stopServer}, event{At: back, Kind: restartServer})
	s.Lasts = back + p.span(3*time.Second, 5*time.Second)
}

// clientDies: the server hears nothing of the client's end, which comes back at once.
func clientDies(p *plan, s *Scene) {
	at := p.span(time.Second, 2*time.Second)
	s.Events = []event{
		{At: at, Kind: linkDown}, {At: at + 20*time.Millisecond, Kind: dieSilently}, {At: at + 200*time.Millisecond, Kind: linkUp},
	}
	s.Lasts = at + p.span(3*time.Second, 5*time.Second)
}

func newServerAndClient(p *plan, s *Scene) {
	p.mppe = p.encryption()
	server, client := p.drawSettings(), p.drawSettings()
	s.Server, s.Client = &server, &client
	reordering(p, s)
}

func clocksAhead(p *plan, s *Scene) { clocks(p, s, 1) }
func clocksBack(p *plan, s *Scene)  { clocks(p, s, -1) }

// clocks jump by a second or by an hour, while some packets wait for others.
func clocks(p *plan, s *Scene, sign time.Duration) {
	reordering(p, s)
	for at := p.span(100*time.Millisecond, time.Second); at < s.Lasts; at += p.span(200*time.Millisecond, time.Second) {
		by := sign * pick(p.rng, time.Second, 10*time.Second, time.Minute, time.Hour).Truncate(time.Second)
		s.Events = append(s.Events, event{At: at, Kind: pick(p.rng, jumpServer, jumpClient), By: by})
	}
}

func memoryShort(p *plan, s *Scene) {
	loss(p, s)
	s.Load.Stream = 0
	s.Events = append(s.Events, event{At: 200 * time.Millisecond, Kind: pressureOn}, event{At: s.Lasts, Kind: pressureOff})
	slices.SortStableFunc(s.Events, func(a, b event) int { return int(a.At - b.At) })
}
