//go:build nodemo

package main

import "github.com/spf13/cobra"

func newDemoCmd() *cobra.Command { return newAbsentCmd("demo", "demo") }
