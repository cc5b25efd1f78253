// Command router boots the emulated router and runs a job of interop/router/jobs in it, with the
// router build of arc4 in its /job.
//
//	go run ./interop/router -memory 64 tunnel 16000
//	go run ./interop/router -memory 192 -counted tunnels 1
//
// What follows the job's name are its arguments. Prints what the job prints; the exit code is the
// job's, or 125 where it did not run to its end.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/arc4tun/arc4tun/internal/malta"
)

func main() {
	memory := flag.Int("memory", 64, "the machine's memory in `MB`")
	counted := flag.Bool("counted", false, "be a machine of 500 MIPS, whatever this one does: an instruction takes 2 ns")
	xz := flag.Bool("xz", false, "have arc4 in a squashfs packed with xz, as in a router's flash")
	limit := flag.Duration("limit", 10*time.Minute, "longest that a boot may take")
	server := flag.Bool("server", false, "have the server of the tunnel outside of the guest, on this machine, as the job alone needs it")
	program := flag.String("arc4", "", "`FILE` instead of the router build: a program for mipsle")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "router: name a job, one of interop/router/jobs")
		os.Exit(125)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	status, err := run(ctx, *program, *server, malta.Job{Script: flag.Arg(0), Args: flag.Args()[1:], Memory: *memory, Counted: *counted, XZ: *xz, Limit: *limit})
	if err != nil {
		fmt.Fprintln(os.Stderr, "router:", err)
		os.Exit(125)
	}
	os.Exit(status)
}

func run(ctx context.Context, program string, server bool, j malta.Job) (int, error) {
	r, err := malta.Prepare(ctx, ".")
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "router")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if server {
		j.Server = filepath.Join(dir, "server")
		if err := malta.BuildServer(ctx, ".", j.Server); err != nil {
			return 0, err
		}
	}
	if program == "" {
		program = filepath.Join(dir, "arc4")
		if err := malta.Build(ctx, ".", "mipsle", program, false); err != nil {
			return 0, err
		}
	}
	j.Files = map[string]string{"arc4": program}
	b, err := r.Run(ctx, j, func(s string) { fmt.Println(s) }, func(s string) { fmt.Fprintln(os.Stderr, "router:", s) })
	return b.Status, err
}
