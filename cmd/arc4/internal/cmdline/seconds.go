package cmdline

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/arc4tun/arc4tun/speed"
)

// Seconds is a length of time given as a number of seconds, as openssl has it, or as a Go
// duration.
type Seconds time.Duration

func (s *Seconds) Type() string { return "seconds" }

func (s *Seconds) String() string {
	return strconv.FormatFloat(time.Duration(*s).Seconds(), 'g', -1, 64)
}

func (s *Seconds) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(seconds) {
			return fmt.Errorf("give seconds such as 3 or 0.5, or a duration such as 500ms")
		}
		// Clamped, so that the conversion cannot overflow before the range is checked.
		d = time.Duration(max(min(seconds, 1e9), -1) * float64(time.Second))
	}
	if d < speed.MinTime || d > speed.MaxTime {
		return fmt.Errorf("give %v to %v seconds", speed.MinTime.Seconds(), speed.MaxTime.Seconds())
	}
	*s = Seconds(d)
	return nil
}
