//go:build nonm

package features

// NetworkManager reports whether this build has the feature.
const NetworkManager = false
