//go:build nospeedtunnel

package main

import "github.com/spf13/cobra"

func newSpeedTunnelCmd() *cobra.Command { return newAbsentCmd("tunnel", "speed tunnel") }
