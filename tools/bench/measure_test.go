package main

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/speed"
)

func TestDisputedRunsAreRepeated(t *testing.T) {
	for name, test := range map[string]struct {
		change func(run int, j job, name string) float64
		want   map[job]int // runs of those that have not three
		ratio  float64     // of the mix
	}{
		"all agree": {steady, nil, 2.2},
		"within the tolerance": {func(run int, _ job, _ string) float64 { return 1 + 0.04*float64(run) },
			nil, 2.2 * 1.04},
		"one outlier": {func(run int, j job, name string) float64 {
			if run == 1 && j == mixedPackets && name == selected {
				return 0.5
			}
			return 1
		}, map[job]int{mixedPackets: 5}, 2.2},
		"what no row is about": {func(run int, _ job, name string) float64 {
			if name == "reference" || name == goPeer {
				return 1 / (1 + float64(run))
			}
			return 1
		}, nil, 2.2},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := fakeMeasurer(options{runs: 3}, test.change)
			got, err := m.all(t.Context())
			require.NoError(t, err)
			for _, j := range jobs {
				want := 3
				if n, there := test.want[j]; there {
					want = n
				}
				assert.Len(t, got.figures[j][selected].ratios, want, j)
			}
			assert.InEpsilon(t, test.ratio, got.figures[mixedPackets][selected].ratio(), 1e-9)
		})
	}
}

func TestMeasuringStops(t *testing.T) {
	broken := errors.New("no memory")
	for name, test := range map[string]struct {
		report *speed.Report
		err    error
		want   string
	}{
		"an error":       {nil, broken, "no memory"},
		"an interrupt":   {&speed.Report{Interrupted: true}, nil, "interrupted: nothing is written"},
		"a wrong result": {&speed.Report{Failed: []speed.Failure{{Name: "u32", Err: broken}}}, nil, "u32 failed its self-test and was not timed: no memory"},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := fakeMeasurer(options{runs: 3}, steady)
			m.measure = func(context.Context, speed.Config) (*speed.Report, error) { return test.report, test.err }
			_, err := m.all(t.Context())
			assert.EqualError(t, err, test.want)
		})
	}
}

func TestBestOfARow(t *testing.T) {
	got := measureFake(t)
	var names []string
	for _, r := range rows(fakeBackends()) {
		name, _ := got.best(r)
		names = append(names, name)
	}
	assert.Equal(t, []string{
		"auto", "auto", "auto", "auto", "auto", "auto", "auto", "auto", "auto", "unrolled", "unrolled", "amd64", "amd64-sse41",
	}, names)
}
