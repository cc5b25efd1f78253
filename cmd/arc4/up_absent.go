//go:build noprofiles

package main

import "github.com/spf13/cobra"

func newUpCmd() *cobra.Command      { return newAbsentCmd("up", "profiles") }
func newDownCmd() *cobra.Command    { return newAbsentCmd("down", "profiles") }
func newRestartCmd() *cobra.Command { return newAbsentCmd("restart", "profiles") }
func newListCmd() *cobra.Command    { return newAbsentCmd("list", "profiles") }
func newLogsCmd() *cobra.Command    { return newAbsentCmd("logs", "profiles") }
