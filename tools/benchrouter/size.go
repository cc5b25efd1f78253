package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// measureSize gives the sizes of a program as it is and in xz, in bytes.
func measureSize(ctx context.Context, program string, f figures) error {
	info, err := os.Stat(program)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "xz", "-9", "--stdout", "--keep", program)
	packed, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w; on Debian: apt-get install xz-utils", err)
	}
	n, err := io.Copy(io.Discard, packed)
	if err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("xz: %w", err)
	}
	f["file"], f["xz"] = []float64{float64(info.Size())}, []float64{float64(n)}
	return nil
}
