//go:build nocheck

package main

import "github.com/spf13/cobra"

func newCheckCmd() *cobra.Command { return newAbsentCmd("check", "check") }
