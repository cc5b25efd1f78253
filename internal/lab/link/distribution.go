package link

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// Distribution shapes the delay around Config.Delay. A draw below zero is zero.
type Distribution uint8

const (
	// Uniform spreads evenly over Delay-Jitter to Delay+Jitter.
	Uniform Distribution = iota
	// Normal has its mean at Delay and Jitter for a standard deviation, cut at
	// four of them.
	Normal
	// Pareto is netem's: many packets a little early, few very late. With x
	// drawn from a Pareto distribution of shape 3 and minimum 1, the delay is
	// Delay + Jitter*(x-1.5)*4/3, so at least Delay - 2/3 Jitter, with its mean
	// near Delay, and cut at Delay + 4 Jitter.
	Pareto
)

// netem keeps its tables as 16-bit integers in units of 1/8192, which end here.
const tailCut = 4.0

var distributionNames = [...]string{Uniform: "uniform", Normal: "normal", Pareto: "pareto"}

// String gives the name that [ParseDistribution] accepts.
func (d Distribution) String() string {
	if int(d) < len(distributionNames) {
		return distributionNames[d]
	}
	return fmt.Sprintf("distribution(%d)", uint8(d))
}

// ParseDistribution reads "uniform", "normal" or "pareto".
func ParseDistribution(name string) (Distribution, error) {
	for d, n := range distributionNames {
		if n == name {
			return Distribution(d), nil
		}
	}
	return 0, fmt.Errorf("link: unknown distribution %q: use %s", name, strings.Join(distributionNames[:], ", "))
}

// draw gives one delay.
func (d Distribution) draw(rng *rand.Rand, delay, jitter time.Duration) time.Duration {
	if jitter == 0 {
		return delay
	}
	var spread time.Duration
	switch d {
	case Uniform:
		spread = time.Duration(rng.Int64N(2*int64(jitter)+1)) - jitter
	case Normal:
		spread = scale(jitter, rng.NormFloat64())
	case Pareto:
		// 1-Float64 is in (0, 1], so the power is finite.
		x := math.Pow(1-rng.Float64(), -1.0/3)
		spread = scale(jitter, (x-1.5)*4/3)
	}
	return max(0, delay+spread)
}

func scale(jitter time.Duration, deviations float64) time.Duration {
	return time.Duration(float64(jitter) * min(max(deviations, -tailCut), tailCut))
}
