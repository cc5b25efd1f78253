package soak

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// Scene is some seconds of one kind of trouble.
type Scene struct {
	Number   int // from 1
	Kind     string
	Lasts    time.Duration
	Download link.Config // the link, from the server to the client
	Upload   link.Config
	Load     Load
	Events   []Event // in the order of their times

	// Server and Client, if not nil, are settings with which that end is started
	// anew before the scene.
	Server, Client *Settings
}

// Load is what the traffic of a scene asks for, in each direction.
type Load struct {
	Datagrams int // UDP packets a second
	Burst     int // of which so many are sent at once
	Stream    int // bytes a second of TCP; 0: as much as goes through
}

// Settings are those of one end of the tunnel that differ from life to life.
type Settings struct {
	Policy   reorder.Policy
	MPPE     ppp.MPPEPolicy
	FirstSeq uint32 // of its GRE packets
}

func (s Settings) String() string {
	mode := "stateless"
	if s.MPPE.Stateful == ppp.StatefulRequired {
		mode = "stateful"
	}
	return fmt.Sprintf("%v, MPPE %d %s, from %d", s.Policy, s.MPPE.Strengths[0], mode, s.FirstSeq)
}

// eventKind is what happens at one moment of a scene.
type eventKind int

const (
	linkDown       eventKind = iota // both directions, or the one that Event names
	linkUp                          // as the scene has it
	killServer                      // from one moment to the next
	stopServer                      // in order
	restartServer                   // again
	jumpServer                      // the server's clock, by Event.By
	jumpClient                      // the client's
	pressureOn                      // memory is short
	pressureOff                     // no more
	dieSilently                     // the client's sockets are gone, with no word to the server
	burstOfTraffic                  // Event.Count UDP packets at once, both ways
)

var eventNames = [...]string{
	"link down", "link up", "server killed", "server stopped", "server started", "server's clock", "client's clock",
	"memory short", "memory free", "client's sockets gone", "burst",
}

// Event is something that happens in a scene.
type Event struct {
	At    time.Duration // since the scene's beginning
	Kind  eventKind
	Only  direction     // of linkDown
	By    time.Duration // of jumps
	Count int           // of burstOfTraffic
}

// direction of a linkDown.
type direction int

const (
	bothWays direction = iota
	downloadOnly
	uploadOnly
)

func (e Event) String() string {
	text := fmt.Sprintf("%v %s", e.At.Round(10*time.Millisecond), eventNames[e.Kind])
	switch {
	case e.Kind == linkDown && e.Only == downloadOnly:
		text += " (download)"
	case e.Kind == linkDown && e.Only == uploadOnly:
		text += " (upload)"
	case e.By != 0:
		text += fmt.Sprintf(" %+v", e.By)
	case e.Count != 0:
		text += fmt.Sprintf(" of %d", e.Count)
	}
	return text
}

func (s Scene) String() string {
	words := []string{fmt.Sprintf("%s, %v", s.Kind, s.Lasts.Round(100*time.Millisecond))}
	down, up := s.Download.String(), s.Upload.String()
	switch {
	case down == up && down != "":
		words = append(words, down)
	case down != up:
		words = append(words, "down "+orPerfect(down), "up "+orPerfect(up))
	}
	if s.Server != nil {
		words = append(words, fmt.Sprintf("new server (%v)", s.Server))
	}
	if s.Client != nil {
		words = append(words, fmt.Sprintf("new client (%v)", s.Client))
	}
	for _, e := range s.Events {
		if e.Kind != burstOfTraffic {
			words = append(words, e.String())
		}
	}
	return strings.Join(words, "; ")
}

func orPerfect(spec string) string {
	if spec == "" {
		return "perfect"
	}
	return spec
}

// breaksSessions reports whether a session may end in the scene.
func (s Scene) breaksSessions() bool {
	for _, e := range s.Events {
		switch e.Kind {
		case killServer, stopServer, dieSilently:
			return true
		case linkDown:
			if s.outage() >= echoPatience/2 {
				return true
			}
		case jumpServer, jumpClient:
			// An answer that is under way then comes a minute late.
			if e.By >= time.Minute {
				return true
			}
		}
	}
	return false
}

// losesDevices reports whether a device of the tunnel goes in the scene, and with it the
// connections on it.
func (s Scene) losesDevices() bool {
	return slices.ContainsFunc(s.Events, func(e Event) bool {
		return e.Kind == killServer || e.Kind == stopServer || e.Kind == dieSilently
	})
}

// linkGoesDown reports whether the link goes down in the scene.
func (s Scene) linkGoesDown() bool {
	return slices.ContainsFunc(s.Events, func(e Event) bool { return e.Kind == linkDown })
}

// outage is the longest time for which the link is down.
func (s Scene) outage() (longest time.Duration) {
	since := time.Duration(-1)
	for _, e := range s.Events {
		switch {
		case e.Kind == linkDown && since < 0:
			since = e.At
		case e.Kind == linkUp && since >= 0:
			longest = max(longest, e.At-since)
			since = -1
		}
	}
	return longest
}

// overtakes reports whether the link may let one packet overtake another.
func (s Scene) overtakes() bool {
	return s.Download.Jitter > 0 || s.Download.Reorder > 0 || s.Upload.Jitter > 0 || s.Upload.Reorder > 0
}

// delays reports whether packets are under way for some time.
func (s Scene) delays() bool {
	return s.Download.Delay > 0 || s.Download.Rate > 0 || s.Upload.Delay > 0 || s.Upload.Rate > 0
}

// Plan gives the scenes of a seed, one after another.
type Plan struct {
	rng  *rand.Rand
	n    int
	deck []kind
	mppe ppp.MPPEPolicy // of both ends at present
}

// NewPlan makes the plan of a seed.
func NewPlan(seed uint64) *Plan {
	return &Plan{rng: rand.New(rand.NewPCG(seed, 0)), mppe: ppp.MPPEPolicy{Mode: ppp.Require, Strengths: []int{128}}}
}

// Lives draws the settings with which both ends begin.
func (p *Plan) Lives() (server, client Settings) { return p.settings(), p.settings() }

// beforeEnd is how many numbers there are at most from the first one of a session to the end.
const beforeEnd = 5_100

// settings draws those of one life. Numbers begin so near their end that most
// sessions pass it within a scene.
func (p *Plan) settings() Settings {
	return Settings{
		Policy: pick(p.rng, reorder.Order, reorder.Order, reorder.Immediate, reorder.Drop),
		MPPE:   p.mppe, FirstSeq: -(100 + p.rng.Uint32N(beforeEnd-100)),
	}
}

// encryption draws a kind of it for both ends, which have to agree.
func (p *Plan) encryption() ppp.MPPEPolicy {
	m := ppp.MPPEPolicy{Mode: ppp.Require, Strengths: []int{pick(p.rng, 128, 128, 128, 56, 40)}}
	if p.rng.IntN(4) == 0 {
		m.Stateful = ppp.StatefulRequired
	}
	return m
}

// Next gives the next scene. Every kind has its turn before any has a second one.
func (p *Plan) Next() Scene {
	if len(p.deck) == 0 {
		p.deck = append(p.deck, kinds...)
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
func (p *Plan) span(from, to time.Duration) time.Duration {
	return (from + time.Duration(p.rng.Int64N(int64(to-from)))).Round(100 * time.Microsecond)
}

// share draws one, to the hundredth of a percent.
func (p *Plan) share(from, to float64) float64 {
	return math.Round((from+p.rng.Float64()*(to-from))*1e4) / 1e4
}

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }
