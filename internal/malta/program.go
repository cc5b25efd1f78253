package malta

import (
	"context"
	"fmt"
	"os/exec"
)

// Build makes the router build of arc4 for an architecture, such as mipsle, as the file out; with
// its symbols, if that is asked for. root is the repository's.
func Build(ctx context.Context, root, goarch, out string, symbols bool) error {
	cmd := exec.CommandContext(ctx, "go", "run", "./tools/build", "-router", "-goarch", goarch, "-o", out)
	if symbols {
		cmd.Args = append(cmd.Args, "-symbols")
	}
	cmd.Dir = root
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the router build for %s: %w\n%s", goarch, err, output)
	}
	return nil
}

// BuildServer makes arc4 for this machine, as the file out, for [Job.Server]. root is the
// repository's.
func BuildServer(ctx context.Context, root, out string) error {
	cmd := exec.CommandContext(ctx, "go", "run", "./tools/build", "-o", out)
	cmd.Dir = root
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("arc4 for this machine: %w\n%s", err, output)
	}
	return nil
}
