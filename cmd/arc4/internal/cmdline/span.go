package cmdline

import (
	"fmt"
	"strconv"
	"time"
)

// Span is a length of time within bounds, given as a whole number of seconds, as pppd has it, or as
// a Go duration. It is a flag's value, and zero until it is set.
type Span struct {
	value     *time.Duration
	low, high time.Duration
}

// NewSpan makes a flag's value of low to high, whole seconds both.
func NewSpan(value *time.Duration, low, high time.Duration) *Span { return &Span{value, low, high} }

func (s *Span) Type() string { return "seconds" }

// String is empty while there is no value: the flag's help shows no default then.
func (s *Span) String() string {
	if s.value == nil || *s.value == 0 {
		return ""
	}
	return s.value.String()
}

func (s *Span) Set(text string) error {
	d, err := time.ParseDuration(text)
	if n, intErr := strconv.ParseUint(text, 10, 32); intErr == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d < s.low || d > s.high {
		return fmt.Errorf("must be %d to %d seconds, or a duration such as 5s or 2m", int(s.low.Seconds()), int(s.high.Seconds()))
	}
	*s.value = d
	return nil
}
