//go:build !nokillswitch

package features

// KillSwitch reports whether this build has the feature.
const KillSwitch = true
