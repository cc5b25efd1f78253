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
	p := newPlan(seed)
	p.firstSettings()
	for range n {
		scenes = append(scenes, p.next())
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
		scenes := scenesOf(seed, 3*len(sceneKinds))
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
	scenes := scenesOf(3, 2*len(sceneKinds))
	for _, half := range [][]Scene{scenes[:len(sceneKinds)], scenes[len(sceneKinds):]} {
		seen := map[string]int{}
		for _, s := range half {
			seen[s.Kind]++
		}
		assert.Len(t, seen, len(sceneKinds))
	}
}

// Sessions pass the end of their numbers soon.
func TestNumbersBeginNearTheEnd(t *testing.T) {
	p := newPlan(1)
	policies := map[reorder.Policy]bool{}
	for range 100 {
		s := p.drawSettings()
		assert.Less(t, -s.FirstSeq, uint32(5_100))
		policies[s.Policy] = true
	}
	assert.Len(t, policies, 3)
}
