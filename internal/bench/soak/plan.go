package soak

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// plan gives the scenes of a seed, one after another.
type plan struct {
	rng  *rand.Rand
	n    int
	deck []sceneKind
	mppe ppp.MPPEPolicy // of both ends at present
}

// newPlan makes the plan of a seed.
func newPlan(seed uint64) *plan {
	return &plan{rng: rand.New(rand.NewPCG(seed, 0)), mppe: ppp.MPPEPolicy{Mode: ppp.Require, Strengths: []int{128}}}
}

// firstSettings draws the settings with which both ends begin.
func (p *plan) firstSettings() (server, client endSettings) {
	return p.drawSettings(), p.drawSettings()
}

// beforeEnd is how many numbers there are at most from the first one of a session to the end.
const beforeEnd = 5_100

// drawSettings draws those of one instance. Numbers begin so near their end that most
// sessions pass it within a scene.
func (p *plan) drawSettings() endSettings {
	return endSettings{
		Policy: pick(p.rng, reorder.Order, reorder.Order, reorder.Immediate, reorder.Drop),
		MPPE:   p.mppe, FirstSeq: -(100 + p.rng.Uint32N(beforeEnd-100)),
	}
}

// encryption draws a kind of it for both ends, which have to agree.
func (p *plan) encryption() ppp.MPPEPolicy {
	m := ppp.MPPEPolicy{Mode: ppp.Require, Strengths: []int{pick(p.rng, 128, 128, 128, 56, 40)}}
	if p.rng.IntN(4) == 0 {
		m.Stateful = ppp.StatefulRequired
	}
	return m
}

// next gives the next scene. Every kind has its turn before any has a second one.
func (p *plan) next() Scene {
	if len(p.deck) == 0 {
		p.deck = append(p.deck, sceneKinds...)
		p.rng.Shuffle(len(p.deck), func(i, k int) { p.deck[i], p.deck[k] = p.deck[k], p.deck[i] })
	}
	k := p.deck[0]
	p.deck = p.deck[1:]
	p.n++
	s := Scene{
		Number: p.n, Kind: k.name, Lasts: p.span(3*time.Second, 6*time.Second),
		Load: Load{Datagrams: 200 + p.rng.IntN(1800), Burst: 1 + p.rng.IntN(20), Stream: 1 << (17 + p.rng.IntN(5))},
	}
	k.fill(p, &s)
	return s
}

// span draws a time, to the tenth of a millisecond.
func (p *plan) span(from, to time.Duration) time.Duration {
	return (from + time.Duration(p.rng.Int64N(int64(to-from)))).Round(100 * time.Microsecond)
}

// share draws one, to the hundredth of a percent.
func (p *plan) share(from, to float64) float64 {
	return math.Round((from+p.rng.Float64()*(to-from))*1e4) / 1e4
}

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }
