package serial

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDiff(t *testing.T) {
	for name, c := range map[string]struct {
		a, b uint32
		want int32
	}{
		"the same":              {7, 7, 0},
		"the next":              {8, 7, 1},
		"the one before":        {7, 8, -1},
		"over the end":          {0, math.MaxUint32, 1},
		"back over the end":     {math.MaxUint32, 0, -1},
		"as far as ahead goes":  {math.MaxInt32, 0, math.MaxInt32},
		"half the numbers away": {1 << 31, 0, math.MinInt32},
		"and the other way":     {0, 1 << 31, math.MinInt32},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, Diff(c.a, c.b)) })
	}
}
