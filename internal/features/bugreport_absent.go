//go:build nobugreport

package features

// Bugreport reports whether this build has the feature.
const Bugreport = false
