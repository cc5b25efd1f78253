// Command arc4 measures RC4 implementations and runs PPTP tunnels with them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(run())
}

// run executes the command line and gives the process its exit code. The first SIGINT or SIGTERM cancels the
// context, so that a command can put back what it changed; a second one kills as usual.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return report(os.Stderr, execute(ctx))
}
