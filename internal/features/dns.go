//go:build !nodns

package features

// DNS reports whether this build has the feature.
const DNS = true
