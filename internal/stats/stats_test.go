package stats

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMedian(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   []float64
		want float64
	}{
		{"none", nil, 0}, {"one", []float64{4}, 4}, {"two", []float64{1, 4}, 2.5},
		{"odd", []float64{9, 1, 2}, 2}, {"even", []float64{8, 1, 4, 2}, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.InDelta(t, tc.want, Median(tc.in), 1e-12)
			assert.InDelta(t, -tc.want, MedianOf(tc.in, func(f float64) float64 { return -f }), 1e-12)
		})
	}
}

func TestPercentile(t *testing.T) {
	var hundred []int
	for i := range 100 {
		hundred = append(hundred, 100-i)
	}
	for _, tc := range []struct {
		name string
		in   []int
		p    int
		want int
	}{
		{"nothing", nil, 99, 0}, {"one", []int{7}, 99, 7}, {"p50 of a hundred", hundred, 50, 50}, {"p99 of a hundred", hundred, 99, 99},
		{"p99 of few is the highest", []int{1, 2, 3}, 99, 3}, {"p50 of three", []int{3, 1, 2}, 50, 2},
	} {
		assert.Equal(t, tc.want, Percentile(tc.in, tc.p), tc.name)
	}
}
