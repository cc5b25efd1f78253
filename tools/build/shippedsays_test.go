//go:build shipped

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/features"
)

// TestShippedSaysTheSame: a router's build, whose cobra lacks two packages, says whatever is
// cobra's to say as a build with the whole of it does.
func TestShippedSaysTheSame(t *testing.T) {
	t.Chdir("../..")
	dir := t.TempDir()
	lean, whole := filepath.Join(dir, "lean", "arc4"), filepath.Join(dir, "whole", "arc4")
	require.NoError(t, run(target{goos: runtime.GOOS, goarch: runtime.GOARCH, router: true, version: "v9", output: lean}, ""))
	build := exec.Command("go", "build", "-ldflags", "-X main.version=v9", "-tags", strings.Join(features.RouterTags(), ","), "-o", whole, "./cmd/arc4")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	for _, line := range []string{
		"", "--help", "-h", "help", "help connect", "help exit-codes", "help nothing", "connect --help", "serve -h", "speed --help",
		"--version", "-v", "version", "conect", "connect", "connect --usr x", "connect a b", "status -x", "backends --all x", "demo", "man", "completion",
		"completion bash", "completion zsh", "completion fish", "completion powershell", "completion ksh", "completion bash --no-descriptions",
		"__complete ", "__complete con", "__complete connect --", "__complete connect --io ", "__completeNoDesc connect --auth m", "__complete --no",
	} {
		t.Run(line, func(t *testing.T) {
			assert.Equal(t, says(t, whole, line), says(t, lean, line))
		})
	}
	t.Run("a FIPS mode that it has not", func(t *testing.T) {
		t.Setenv("GODEBUG", "fips140=on")
		assert.Contains(t, says(t, lean, "version"), "GODEBUG=fips140=on: this program was built without FIPS 140")
	})
	t.Run("GODEBUG, with a pattern of bisect", func(t *testing.T) {
		t.Setenv("GODEBUG", "netdns=9#vy,fips140=off")
		assert.Equal(t, says(t, whole, "version"), says(t, lean, "version"))
	})
	t.Run("without descriptions, by the environment", func(t *testing.T) {
		t.Setenv("ARC4_COMPLETION_DESCRIPTIONS", "0")
		bare := says(t, lean, "__complete con")
		assert.Equal(t, says(t, whole, "__complete con"), bare)
		assert.NotContains(t, bare, "\t")
	})
}

// says is all that a program prints on a command line, and its exit code.
func says(t *testing.T, program, line string) string {
	t.Helper()
	args := strings.Split(line, " ")
	if line == "" {
		args = nil
	}
	cmd := exec.Command(program, args...)
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		require.NoError(t, err)
	}
	return string(out) + cmd.ProcessState.String()
}
