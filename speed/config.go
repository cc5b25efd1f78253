package speed

import (
	"cmp"
	"fmt"
	"time"
)

// Limits of [Config], for those who check flags.
const (
	MinTime    = time.Millisecond
	MaxTime    = time.Hour
	MaxWorkers = 256
	MaxCount   = 1000
)

// DefaultTime is how long each size of each cipher is measured, as in openssl.
const DefaultTime = 3 * time.Second

// DefaultSizes are openssl's block sizes, and the usual payload of a tunnel's packet.
var DefaultSizes = []int{16, 64, 256, 1024, 1400, 8192, 16384}

// Config says what to measure. The zero value measures everything that [Names] lists, in the
// workload [Stream], for [DefaultTime] at each of [DefaultSizes], with one worker, against CPU
// time.
type Config struct {
	Names     []string      // what to measure, in this order; see [Names]
	Workloads []Workload    // in this order
	Sizes     []int         // bytes
	Time      time.Duration // for each name, workload and size
	Workers   int           // measure with so many threads at once and add up their rates
	Elapsed   bool          // divide by wall time instead of CPU time
	Count     int           // measure everything so many times, in turns: A B A B
	// Peers measures libcrypto, if this build has it, and crypto/rc4 in turns with the others, and
	// gives ratios.
	Peers    bool
	Version  string   // of the program, for the report
	Observer Observer // told as measuring goes on; may be nil
}

// AllRC4 among the names of [Config] stands for every RC4 there is: the backends, libcrypto and
// crypto/rc4.
const AllRC4 = "rc4"

// ConfigError is a value in a [Config] that cannot be: the message names it and the remedy.
type ConfigError struct{ message string }

func (e *ConfigError) Error() string { return e.message }

func configError(format string, args ...any) error {
	return &ConfigError{fmt.Sprintf(format, args...)}
}

func (c Config) withDefaults() Config {
	if len(c.Workloads) == 0 {
		c.Workloads = []Workload{Stream}
	}
	if len(c.Sizes) == 0 {
		c.Sizes = DefaultSizes
	}
	c.Time = cmp.Or(c.Time, DefaultTime)
	c.Workers = cmp.Or(c.Workers, 1)
	c.Count = cmp.Or(c.Count, 1)
	return c
}

func (c *Config) checkNumbers() error {
	switch {
	case c.Time < MinTime || c.Time > MaxTime:
		return configError("cannot measure for %v: give %v to %v", c.Time, MinTime, MaxTime)
	case c.Workers < 1 || c.Workers > MaxWorkers:
		return configError("cannot measure with %d workers: give 1 to %d", c.Workers, MaxWorkers)
	case c.Count < 1 || c.Count > MaxCount:
		return configError("cannot measure %d times: give 1 to %d", c.Count, MaxCount)
	}
	return nil
}
