//go:build !race

package raceflag

// Enabled reports whether this build has the race detector.
const Enabled = false
