// Command arc4 measures RC4 implementations and runs PPTP tunnels with them.
package main

import (
	"context"
	"os"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

func main() {
	os.Exit(run())
}

// run executes the command line and gives the process its exit code. The first signal cancels the
// context, so that a command can put back what it changed.
func run() int {
	raiseCapabilities()
	ctx, _ := watchSignals(context.Background())
	stderr := newLogWriter(os.Stderr)
	return exit.Report(stderr, execute(withLogOutput(ctx, stderr)))
}
