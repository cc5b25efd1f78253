//go:build !noproxy

package features

// Proxy reports whether this build has the feature.
const Proxy = true
