package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReport(t *testing.T) {
	of, err := choose("wireguard-go,arc4-raw,arc4-xsk")
	require.NoError(t, err)
	r := newResults(of)
	ms := func(values ...int) (all []time.Duration) {
		for _, v := range values {
			all = append(all, time.Duration(v)*time.Millisecond)
		}
		return all
	}
	// The machine halves its speed in the second round, for everybody.
	for _, share := range []float64{1, 0.5, 1} {
		r.add(0, measurement{bits: 3e9 * share, cpu: 5, pings: ms(1, 2, 3), small: 1000})
		r.add(1, measurement{bits: 1.5e9 * share, cpu: 9, pings: ms(1, 1, 9), retransmits: 4})
		r.add(2, measurement{bits: 2.4e9 * share, cpu: 6, pings: ms(1, 1, 4), busy: 0.2})
	}
	got := r.report("a machine")
	assert.Equal(t, 3, got.Rounds)
	assert.InDelta(t, 0.2, got.Busy, 1e-9)
	assert.Equal(t, row{Name: "arc4-xsk", What: "arc4 --io xsk", Megabits: 2400, Ratio: 0.8, CPU: 6, Ping50: 1, Ping99: 4, PingRatio: 4.0 / 3}, got.Rows[2])

	var out bytes.Buffer
	require.NoError(t, got.write(&out))
	for _, want := range []string{
		"a machine\nmedians of 3 rounds",
		"arc4-raw      1500             0.50       9.0            4         1.00    9.00                  -\n",
		"arc4-xsk      arc4 --io xsk\n",
		"Others kept up to 20% of the processors busy",
		"arc4-xsk reaches 0.80 of wireguard-go's throughput; the bar is 0.6: reached",
		"its ping p99 under load is 1.33 times wireguard-go's; the bar is 2.0: reached",
	} {
		assert.Contains(t, out.String(), want)
	}
}

func TestReportWithoutTheReference(t *testing.T) {
	of, err := choose("gre-raw")
	require.NoError(t, err)
	r := newResults(of)
	r.add(0, measurement{bits: 1e9})
	got := r.report("a machine")
	assert.Zero(t, got.Rows[0].Ratio)
	assert.Empty(t, got.bars())
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"end":{"sum":{"packets":100,"lost_packets":40,"seconds":2}}}`))
	f.Add([]byte("cpu  10 20 30 1000 5 6 7 8 0 0\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := parseFlow(b); err == nil {
			assert.Positive(t, got.seconds)
		}
		_, _ = parseCPUTicks(bytes.NewReader(b))
	})
}
