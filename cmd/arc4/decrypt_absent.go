//go:build nodecrypt

package main

import "github.com/spf13/cobra"

func newDecryptCmd() *cobra.Command { return newAbsentCmd("decrypt", "decrypt") }
