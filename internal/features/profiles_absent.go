//go:build noprofiles

package features

// Profiles reports whether this build has the feature.
const Profiles = false
