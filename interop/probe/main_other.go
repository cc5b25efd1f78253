//go:build !linux

// Command probe runs in the guest, which is Linux.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "probe: runs on Linux only")
	os.Exit(1)
}
