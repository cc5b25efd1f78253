//go:build !nobugreport && noprofiles

package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

var completeReported = cobra.NoFileCompletions

func (e *evidence) profile(_ context.Context, which string) (string, error) {
	return "", exit.Usagef(`%s: this build reads no profiles (build tag noprofiles); "arc4 bugreport" alone reports all tunnels`, which)
}
