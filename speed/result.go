package speed

import "time"

// Case is one thing to measure.
type Case struct {
	Name     string
	Workload Workload
	Bytes    int // 0 if the workload has no size
	Time     time.Duration
	Workers  int
}

// Result is one measurement.
type Result struct {
	Case
	Ops uint64 // of all workers
	// Seconds is Ops divided by the sum of the workers' rates: for one worker, its time; see
	// Config.Peers.
	Seconds float64
	// Ratios has, with Config.Peers, how many times as fast as each peer this is: the median of the
	// rounds' ratios. Seconds is then Ops times what an operation takes in the median round.
	Ratios map[string]float64

	samples []sample  // one a worker
	perOp   []float64 // seconds an operation takes, in each round
}

// sample is what one worker did.
type sample struct {
	ops     uint64
	seconds float64 // CPU or wall time, as asked for
}

// OpsPerSecond is the rate of all workers together.
func (r Result) OpsPerSecond() float64 { return float64(r.Ops) / r.Seconds }

// BytesPerSecond is the rate of all workers together; 0 if the workload has no size.
func (r Result) BytesPerSecond() float64 { return r.OpsPerSecond() * float64(r.Bytes) }

// combine adds up the rates of the workers. It returns false if they were stopped before they had
// measured anything.
func combine(c Case, samples []sample) (Result, bool) {
	result := Result{Case: c, samples: samples}
	rate := 0.0
	for _, s := range samples {
		if s.ops == 0 || s.seconds <= 0 {
			return Result{}, false
		}
		result.Ops += s.ops
		rate += float64(s.ops) / s.seconds
	}
	result.Seconds = float64(result.Ops) / rate
	return result, len(samples) > 0
}
