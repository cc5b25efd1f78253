package link

import (
	"math"
	"math/bits"
	"time"
)

// latenessBuckets is 16 to each power of two of nanoseconds, up to 2^40 (18
// minutes), where the last one takes all the rest.
const (
	bucketBits      = 4
	latenessBuckets = (40 - bucketBits + 1) << bucketBits
)

// Lateness is a histogram of how long after its time each packet was released,
// exact to one part in 16.
type Lateness struct {
	buckets [latenessBuckets]uint64
	count   uint64
	max     time.Duration
}

func (l *Lateness) add(late time.Duration) {
	v := uint64(max(0, late))
	// The bucket is the exponent followed by the bits after the leading one.
	exponent := max(0, bits.Len64(v)-1-bucketBits)
	i := exponent<<bucketBits + int(v>>exponent)
	l.buckets[min(i, latenessBuckets-1)]++
	l.count++
	l.max = max(l.max, late)
}

// Count says how many packets were released.
func (l *Lateness) Count() uint64 { return l.count }

// Max is the lateness of the latest.
func (l *Lateness) Max() time.Duration { return l.max }

// Quantile gives the lateness that the share q of the packets, 0 to 1, did not
// exceed: the upper end of its bucket, and at most Max.
func (l *Lateness) Quantile(q float64) time.Duration {
	rank := uint64(math.Ceil(q * float64(l.count)))
	var below uint64
	for i, n := range l.buckets[:latenessBuckets-1] {
		if below += n; n > 0 && below >= rank {
			return min(bucketEnd(i), l.max)
		}
	}
	return l.max
}

// bucketEnd is the largest lateness that bucket i takes.
func bucketEnd(i int) time.Duration {
	exponent := max(0, i>>bucketBits-1)
	return time.Duration(i-exponent<<bucketBits+1)<<exponent - 1
}
