//go:build !nodemo

package features

// Demo reports whether this build has the feature.
const Demo = true
