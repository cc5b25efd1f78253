package reorder

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestProbation(t *testing.T) {
	const far = 1 << 30
	type step struct {
		seq, head uint32
		believed  bool
	}
	for name, steps := range map[string][]step{
		"near and behind":                 {{100, 100, true}, {3099, 100, true}, {99, 100, true}, {100 + 1<<31, 100, true}},
		"far, then on from there":         {{far, 100, false}, {far + 1, 100, false}, {far + 2, 100, true}},
		"just beyond reach":               {{3100, 100, false}},
		"some lost on the way":            {{far, 100, false}, {far + 5, 100, false}, {far + 21, 100, true}},
		"too far apart":                   {{far, 100, false}, {far + 17, 100, false}, {far + 18, 100, false}, {far + 19, 100, true}},
		"the same one again":              {{far, 100, false}, {far, 100, false}, {far, 100, false}},
		"the old place is alive":          {{far, 100, false}, {far + 1, 100, false}, {100, 100, true}, {far + 2, 101, false}},
		"a late one proves nothing":       {{far, 100, false}, {far + 1, 100, false}, {99, 100, true}, {far + 2, 100, true}},
		"over the wrap":                   {{1<<32 - 1, 1 << 31, false}, {0, 1<<31 + 1, false}, {1, 1<<31 + 2, true}},
		"proof is asked for at each jump": {{far, 0, false}, {far + 1, 0, false}, {far + 2, 0, true}, {2 * (far - 1), far + 3, false}},
	} {
		t.Run(name, func(t *testing.T) {
			var p Probation
			for i, s := range steps {
				assert.Equal(t, s.believed, p.Believe(s.seq, s.head), "step %d", i)
			}
		})
	}
	p := Probation{Reach: 10, Needed: 1}
	assert.True(t, p.Believe(far, 0), "one packet is proof enough where it is said so")
}
