//go:build nonm

package main

import "github.com/spf13/cobra"

func newNMServiceCmd() *cobra.Command    { return newAbsentCmd("nm-service", "nm") }
func newNMAuthDialogCmd() *cobra.Command { return newAbsentCmd("nm-auth-dialog", "nm") }

// linkedAs is nothing: the program has one name.
func linkedAs(string) []string { return nil }
