//go:build noman

package main

import "github.com/spf13/cobra"

func newManCmd() *cobra.Command { return newAbsentCmd("man", "man") }
