//go:build !nospeedtunnel

package features

// SpeedTunnel reports whether this build has the feature.
const SpeedTunnel = true
