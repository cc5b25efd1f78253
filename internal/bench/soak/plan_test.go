package soak

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab/link"
	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// scenesOf gives the first scenes of a seed.
func scenesOf(seed uint64, n int) (scenes []Scene) {
	p := NewPlan(seed)
	p.Lives()
	for range n {
		scenes = append(scenes, p.Next())
	}
	return scenes
}

func TestPlanIsItsSeeds(t *testing.T) {
	assert.Equal(t, scenesOf(7, 100), scenesOf(7, 100))
	assert.NotEqual(t, scenesOf(7, 100), scenesOf(8, 100))
	var texts [2][]string
	for i := range texts {
		for _, s := range scenesOf(7, 100) {
			texts[i] = append(texts[i], s.String())
		}
	}
	assert.Equal(t, texts[0], texts[1])
}

func TestPlanCanBePlayed(t *testing.T) {
	for seed := range uint64(50) {
		scenes := scenesOf(seed, 3*len(kinds))
		for i, s := range scenes {
			assert.Equal(t, i+1, s.Number)
			assert.NotEmpty(t, s.String())
			for _, c := range []link.Config{s.Download, s.Upload} {
				_, err := link.New(c)
				require.NoError(t, err, s)
			}
			require.Positive(t, s.Load.Datagrams, s)
			require.Positive(t, s.Load.Burst, s)
			at, down := time.Duration(0), 0
			for _, e := range s.Events {
				require.GreaterOrEqual(t, e.At, at, "%v: %v", s, e)
				require.LessOrEqual(t, e.At, s.Lasts, "%v: %v", s, e)
				at = e.At
				switch e.Kind {
				case linkDown, killServer, stopServer, pressureOn:
					down++
				case linkUp, restartServer, pressureOff:
					down--
				}
			}
			require.Zero(t, down, "%v: what is taken away comes back", s)
		}
	}
}

// Every kind has its turn before any has a second one.
func TestPlanHasEveryKind(t *testing.T) {
	scenes := scenesOf(3, 2*len(kinds))
	for _, half := range [][]Scene{scenes[:len(kinds)], scenes[len(kinds):]} {
		seen := map[string]int{}
		for _, s := range half {
			seen[s.Kind]++
		}
		assert.Len(t, seen, len(kinds))
	}
}

func TestSceneAllows(t *testing.T) {
	at := func(e ...Event) Scene { return Scene{Events: e} }
	for name, c := range map[string]struct {
		scene                     Scene
		breaks, devices, overtake bool
	}{
		"nothing":                    {scene: Scene{}},
		"a loss":                     {scene: Scene{Download: link.Config{Loss: 0.5}}},
		"jitter":                     {scene: Scene{Upload: link.Config{Jitter: 1}}, overtake: true},
		"a short outage":             {scene: at(Event{Kind: linkDown}, Event{Kind: linkUp, At: time.Second})},
		"a long outage":              {scene: at(Event{Kind: linkDown}, Event{Kind: linkUp, At: echoPatience}), breaks: true},
		"a kill":                     {scene: at(Event{Kind: killServer}), breaks: true, devices: true},
		"a clock an hour ahead":      {scene: at(Event{Kind: jumpServer, By: time.Hour}), breaks: true},
		"a clock an hour back":       {scene: at(Event{Kind: jumpServer, By: -time.Hour})},
		"a clock ten seconds ahead":  {scene: at(Event{Kind: jumpClient, By: 10 * time.Second})},
		"a client that dies quietly": {scene: at(Event{Kind: dieSilently}), breaks: true, devices: true},
	} {
		assert.Equal(t, c.breaks, c.scene.breaksSessions(), name)
		assert.Equal(t, c.devices, c.scene.losesDevices(), name)
		assert.Equal(t, c.overtake, c.scene.overtakes(), name)
	}
}

// Sessions pass the end of their numbers soon.
func TestLivesBeginNearTheEnd(t *testing.T) {
	p := NewPlan(1)
	policies := map[reorder.Policy]bool{}
	for range 100 {
		s := p.settings()
		assert.Less(t, -s.FirstSeq, uint32(5_100))
		policies[s.Policy] = true
	}
	assert.Len(t, policies, 3)
}

func TestClockJumps(t *testing.T) {
	c := newClock()
	first := c.now()
	c.jump(time.Hour)
	assert.GreaterOrEqual(t, c.now().Sub(first), time.Hour)
	c.jump(-2 * time.Hour)
	assert.Less(t, c.now().Sub(first), time.Duration(0))
}
