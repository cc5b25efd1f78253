// Package stats has the statistics that the programs which measure share.
package stats

import (
	"cmp"
	"slices"
)

// Median is the value in the middle, or the mean of the two there; 0 of none.
func Median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// MedianOf is the median of what f reads in each of all.
func MedianOf[T any](all []T, f func(T) float64) float64 {
	values := make([]float64, len(all))
	for i, v := range all {
		values[i] = f(v)
	}
	return Median(values)
}

// Percentile is the p-th percentile, 0 to 100, by the nearest rank; the zero value of none.
func Percentile[T cmp.Ordered](all []T, p int) T {
	if len(all) == 0 {
		var none T
		return none
	}
	sorted := slices.Sorted(slices.Values(all))
	rank := (len(sorted)*p + 99) / 100
	return sorted[max(rank, 1)-1]
}
