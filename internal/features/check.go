//go:build !nocheck

package features

// Check reports whether this build has the feature.
const Check = true
