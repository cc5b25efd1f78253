package link

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Parse reads a link in the words of tc-netem(8), in any order, each at most
// once:
//
//	delay 3ms 1ms distribution normal loss 1% duplicate 1% reorder 5% rate 100mbit limit 1000
//
// Durations carry a unit (us, ms, s), shares a percent sign, rates one of bit,
// kbit, mbit and gbit, powers of 1000. The second duration, the jitter, may be
// left out. An empty specification is a perfect link. The error names the value
// that cannot be understood or is out of range.
func Parse(spec string) (Config, error) {
	var c Config
	given := map[string]bool{}
	words := strings.Fields(spec)
	for len(words) > 0 {
		name := words[0]
		parse, known := specWords[name]
		switch {
		case !known:
			return Config{}, fmt.Errorf("link: unknown word %q: use delay, distribution, loss, duplicate, reorder, rate, limit, seed", name)
		case given[name]:
			return Config{}, fmt.Errorf("link: %s is given twice", name)
		case len(words) == 1:
			return Config{}, fmt.Errorf("link: %s: its value is missing", name)
		}
		given[name] = true
		if err := parse(&c, words[1]); err != nil {
			return Config{}, err
		}
		words = words[2:]
		if name == "delay" && len(words) > 0 && specWords[words[0]] == nil {
			if err := parseDuration("jitter", words[0], &c.Jitter); err != nil {
				return Config{}, err
			}
			words = words[1:]
		}
	}
	return c, c.validate()
}

var specWords = map[string]func(c *Config, value string) error{
	"delay":     func(c *Config, v string) error { return parseDuration("delay", v, &c.Delay) },
	"loss":      func(c *Config, v string) error { return parseShare("loss", v, &c.Loss) },
	"duplicate": func(c *Config, v string) error { return parseShare("duplicate", v, &c.Duplicate) },
	"reorder":   func(c *Config, v string) error { return parseShare("reorder", v, &c.Reorder) },
	"rate":      func(c *Config, v string) error { return parseRate(v, &c.Rate) },
	"distribution": func(c *Config, v string) (err error) {
		c.Distribution, err = ParseDistribution(v)
		return err
	},
	"limit": func(c *Config, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return fmt.Errorf("link: limit %q: want a number of packets from 1 to %d", v, MaxLimit)
		}
		c.Limit = n
		return nil
	},
	"seed": func(c *Config, v string) (err error) {
		if c.Seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			return fmt.Errorf("link: seed %q: want a number from 0 to %d", v, uint64(math.MaxUint64))
		}
		return nil
	},
}

func parseDuration(name, value string, to *time.Duration) error {
	d, err := time.ParseDuration(value)
	if err != nil {
		return fmt.Errorf("link: %s %q: want a duration with its unit, such as 3ms", name, value)
	}
	*to = d
	return nil
}

func parseShare(name, value string, to *float64) error {
	number, percent := strings.CutSuffix(value, "%")
	share, err := strconv.ParseFloat(number, 64)
	if err != nil || !percent {
		return fmt.Errorf("link: %s %q: want a share such as 1%%", name, value)
	}
	*to = share / 100
	return nil
}

// percent gives a share with the digits that a float64 keeps of any decimal, and no more: 0.81%
// would else come out as 0.8099999999999999%.
func percent(share float64) string { return strconv.FormatFloat(share*100, 'g', 15, 64) + "%" }

var rateUnits = [...]struct {
	name string
	bits int64
}{{"gbit", 1e9}, {"mbit", 1e6}, {"kbit", 1e3}, {"bit", 1}}

func parseRate(value string, to *int64) error {
	for _, unit := range rateUnits {
		number, ok := strings.CutSuffix(value, unit.name)
		if !ok {
			continue
		}
		rate, err := strconv.ParseFloat(number, 64)
		if rate *= float64(unit.bits); err != nil || !(rate >= MinRate && rate <= MaxRate) {
			break
		}
		*to = int64(math.Round(rate))
		return nil
	}
	return fmt.Errorf("link: rate %q: want a rate with its unit, from 1kbit to 1000gbit, such as 100mbit", value)
}

// String gives the specification that [Parse] reads.
func (c Config) String() string {
	var words []string
	add := func(format string, values ...any) { words = append(words, fmt.Sprintf(format, values...)) }
	if c.Delay != 0 || c.Jitter != 0 {
		add("delay %v", c.Delay)
	}
	if c.Jitter != 0 {
		add("%v", c.Jitter)
	}
	if c.Distribution != Uniform {
		add("distribution %v", c.Distribution)
	}
	share := func(name string, v float64) {
		if v != 0 {
			add("%s %s", name, percent(v))
		}
	}
	share("loss", c.Loss)
	share("duplicate", c.Duplicate)
	share("reorder", c.Reorder)
	for _, unit := range rateUnits {
		if c.Rate != 0 && c.Rate%unit.bits == 0 {
			add("rate %d%s", c.Rate/unit.bits, unit.name)
			break
		}
	}
	if c.Limit != 0 {
		add("limit %d", c.Limit)
	}
	if c.Seed != 0 {
		add("seed %d", c.Seed)
	}
	return strings.Join(words, " ")
}
