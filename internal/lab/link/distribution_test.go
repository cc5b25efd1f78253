package link

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestDistributions draws many delays of 100±10 ms. The Pareto figures are those
// of the table that iproute2 ships as pareto.dist: mean -0.0335, root mean
// square 0.820, ends -2/3 and 4, median -0.320, upper quartile 0.1166, all in
// units of the jitter.
func TestDistributions(t *testing.T) {
	const n = 200_000
	for _, c := range []struct {
		d                                      Distribution
		low, high, mean, rms, median, quartile float64
	}{
		{Uniform, -1, 1, 0, 1 / math.Sqrt(3), 0, 0.5},
		{Normal, -4, 4, 0, 1, 0, 0.6745},
		{Pareto, -2. / 3, 4, -0.0335, 0.820, -0.320, 0.1166},
	} {
		t.Run(c.d.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			draws := make([]float64, n)
			var sum, squares float64
			for i := range draws {
				d := c.d.draw(rng, 100*time.Millisecond, 10*time.Millisecond)
				v := float64(d-100*time.Millisecond) / float64(10*time.Millisecond)
				draws[i], sum, squares = v, sum+v, squares+v*v
			}
			slices.Sort(draws)
			assert.GreaterOrEqual(t, draws[0], c.low-1e-9)
			assert.LessOrEqual(t, draws[n-1], c.high)
			assert.InDelta(t, c.mean, sum/n, 0.01, "mean")
			assert.InDelta(t, c.rms, math.Sqrt(squares/n), 0.01, "root mean square")
			assert.InDelta(t, c.median, draws[n/2], 0.01, "median")
			assert.InDelta(t, c.quartile, draws[3*n/4], 0.01, "upper quartile")
		})
	}
}

func TestDelayIsNeverNegative(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, d := range []Distribution{Uniform, Normal, Pareto} {
		for range 10_000 {
			assert.GreaterOrEqual(t, d.draw(rng, time.Millisecond, 5*time.Millisecond), time.Duration(0))
		}
		assert.Equal(t, time.Millisecond, d.draw(rng, time.Millisecond, 0))
	}
}
