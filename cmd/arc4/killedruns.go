//go:build !noprofiles

package main

import (
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/background"
	"github.com/arc4tun/arc4tun/tunnel/status"
)

// killedRuns are the profiles whose run was killed, and has left what arc4 down takes away.
func killedRuns() (names []string) {
	dir := status.DefaultDir()
	for _, name := range background.Names(dir) {
		if now, err := background.Running(dir, name); err == nil && now.Killed {
			names = append(names, name)
		}
	}
	return names
}
