//go:build noplot

package features

// Plot reports whether this build has the feature.
const Plot = false
