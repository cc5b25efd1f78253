//go:build !nocapture

package features

// Capture reports whether this build has the feature.
const Capture = true
