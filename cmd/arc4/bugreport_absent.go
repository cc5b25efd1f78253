//go:build nobugreport

package main

import "github.com/spf13/cobra"

func newBugreportCmd() *cobra.Command { return newAbsentCmd("bugreport", "bugreport") }
