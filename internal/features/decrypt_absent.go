//go:build nodecrypt

package features

// Decrypt reports whether this build has the feature.
const Decrypt = false
