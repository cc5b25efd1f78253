//go:build !noman

package features

// Man reports whether this build has the feature.
const Man = true
