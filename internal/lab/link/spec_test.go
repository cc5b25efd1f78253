package link

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for spec, want := range map[string]Config{
		"":                {},
		"  ":              {},
		"delay 3ms":       {Delay: 3 * time.Millisecond},
		"delay 3ms 500us": {Delay: 3 * time.Millisecond, Jitter: 500 * time.Microsecond},
		"delay 3ms 1ms distribution normal loss 1% duplicate 2% reorder 5% rate 100mbit limit 1000 seed 7": {
			Delay: 3 * time.Millisecond, Jitter: time.Millisecond, Distribution: Normal,
			Loss: 0.01, Duplicate: 0.02, Reorder: 0.05, Rate: 100_000_000, Limit: 1000, Seed: 7,
		},
		"seed 18446744073709551615 rate 1.5gbit distribution pareto": {Seed: math.MaxUint64, Rate: 1_500_000_000, Distribution: Pareto},
		"loss 0.25% rate 56kbit":                                     {Loss: 0.0025, Rate: 56_000},
		"loss 100%":                                                  {Loss: 1},
		"rate 1001bit":                                               {Rate: 1001},
	} {
		t.Run(spec, func(t *testing.T) {
			got, err := Parse(spec)
			require.NoError(t, err)
			assert.Equal(t, want, got)
			again, err := Parse(got.String())
			require.NoError(t, err, got.String())
			assert.Equal(t, want, again)
		})
	}
}

// TestSharesAreShownAsGiven: percent and share are no exact multiples of each other, and nobody
// wants to read that.
func TestSharesAreShownAsGiven(t *testing.T) {
	for given, want := range map[string]string{
		"0.81%": "0.81%", "0.07%": "0.07%", "0.57%": "0.57%", "1.1%": "1.1%", "2.2%": "2.2%", "14%": "14%", "28.999%": "28.999%", "29%": "29%",
		"57%": "57%", "99.99%": "99.99%", "100%": "100%", "33.333333333333336%": "33.3333333333333%", "1e-7%": "1e-07%",
	} {
		t.Run(given, func(t *testing.T) {
			c, err := Parse("loss " + given)
			require.NoError(t, err)
			assert.Equal(t, "loss "+want, c.String())
		})
	}
	for _, hundredths := range []int{1, 81, 1110, 9999} {
		c := Config{Duplicate: float64(hundredths) / 10_000}
		assert.Equal(t, fmt.Sprintf("duplicate %v%%", float64(hundredths)/100), c.String(), "made in a program")
	}
	_, err := New(Config{Delay: 1, Reorder: 1.1})
	assert.EqualError(t, err, "link: reorder 110%: must be from 0% to 100%")
}

func TestParseErrors(t *testing.T) {
	for spec, want := range map[string]string{
		"latency 3ms":               `link: unknown word "latency": use delay, distribution, loss, duplicate, reorder, rate, limit, seed`,
		"delay":                     `link: delay: its value is missing`,
		"delay 3":                   `link: delay "3": want a duration with its unit, such as 3ms`,
		"delay 3ms 1":               `link: jitter "1": want a duration with its unit, such as 3ms`,
		"delay 3ms 1ms 25%":         `link: unknown word "25%": use delay, distribution, loss, duplicate, reorder, rate, limit, seed`,
		"delay -3ms":                `link: delay -3ms: must be from 0 to 1h0m0s`,
		"delay 3ms 2h":              `link: jitter 2h0m0s: must be from 0 to 1h0m0s`,
		"delay 3ms delay 4ms":       `link: delay is given twice`,
		"distribution gauss":        `link: unknown distribution "gauss": use uniform, normal, pareto`,
		"loss 1":                    `link: loss "1": want a share such as 1%`,
		"loss many%":                `link: loss "many%": want a share such as 1%`,
		"loss 101%":                 `link: loss 101%: must be from 0% to 100%`,
		"loss NaN%":                 `link: loss NaN%: must be from 0% to 100%`,
		"duplicate -1%":             `link: duplicate -1%: must be from 0% to 100%`,
		"reorder 5%":                `link: reorder 5%: needs a delay that some packets can skip`,
		"rate 100":                  `link: rate "100": want a rate with its unit, from 1kbit to 1000gbit, such as 100mbit`,
		"rate 1bit":                 `link: rate "1bit": want a rate with its unit, from 1kbit to 1000gbit, such as 100mbit`,
		"rate 1001gbit":             `link: rate "1001gbit": want a rate with its unit, from 1kbit to 1000gbit, such as 100mbit`,
		"rate fastbit":              `link: rate "fastbit": want a rate with its unit, from 1kbit to 1000gbit, such as 100mbit`,
		"limit 0":                   `link: limit "0": want a number of packets from 1 to 1048576`,
		"limit 1048577":             `link: limit 1048577: must be from 1 to 1048576 packets`,
		"seed -1":                   `link: seed "-1": want a number from 0 to 18446744073709551615`,
		"loss 1% loss 1% unheardof": `link: loss is given twice`,
	} {
		t.Run(spec, func(t *testing.T) {
			_, err := Parse(spec)
			assert.EqualError(t, err, want)
		})
	}
}

func TestConfigErrors(t *testing.T) {
	for want, cfg := range map[string]Config{
		"link: limit -1: must be from 1 to 1048576 packets":            {Limit: -1},
		"link: rate -5bit: must be from 1kbit to 1000gbit":             {Rate: -5},
		"link: unknown distribution(9): use uniform, normal or pareto": {Distribution: 9},
		"link: reorder 10%: needs a delay that some packets can skip":  {Reorder: 0.1},
		"link: jitter -1ns: must be from 0 to 1h0m0s":                  {Jitter: -1},
	} {
		_, err := New(cfg)
		assert.EqualError(t, err, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("delay 3ms 1ms distribution normal loss 1% duplicate 1% reorder 5% rate 100mbit limit 1000 seed 7")
	f.Add("delay 1h loss 0x1p-3% rate 1e3bit")
	f.Add("rate 0.1mbit delay 0s 0s")
	f.Add("loss 33.333333333333336%")
	f.Fuzz(func(t *testing.T, spec string) {
		c, err := Parse(spec)
		if err != nil {
			require.ErrorContains(t, err, "link: ")
			return
		}
		_, err = New(c)
		require.NoError(t, err)
		again, err := Parse(c.String())
		require.NoError(t, err, "%s", c)
		// A share passes through percent twice, which may cost its last bit.
		for _, share := range [][2]*float64{{&c.Loss, &again.Loss}, {&c.Duplicate, &again.Duplicate}, {&c.Reorder, &again.Reorder}} {
			require.InDelta(t, *share[0], *share[1], 1e-15)
			*share[1] = *share[0]
		}
		require.Equal(t, c, again)
	})
}
