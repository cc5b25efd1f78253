//go:build !linux

package main

import (
	"fmt"
	"os"
	"os/exec"
)

// runOn runs a command with so many of Go's processors; 0: all.
func runOn(cores int, cmd *exec.Cmd) error {
	if cores > 0 {
		cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", cores))
	}
	return cmd.Run()
}
