//go:build router && linux

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/malta"
)

// root is the repository's.
const root = "../.."

// memoryBound is what neither end of a tunnel may exceed, in kB.
const memoryBound = 16000

// prepare makes the router, or skips the test where this machine cannot.
func prepare(t *testing.T) *malta.Router {
	t.Helper()
	r, err := malta.Prepare(t.Context(), root)
	var lacks malta.UnavailableError
	if errors.As(err, &lacks) && os.Getenv("CI") != "true" {
		t.Skip(lacks)
	}
	require.NoError(t, err)
	return r
}

// TestTunnel boots a router of 64 MB and has the router build be both ends of a tunnel in it.
func TestTunnel(t *testing.T) {
	r := prepare(t)
	program := filepath.Join(t.TempDir(), "arc4")
	require.NoError(t, malta.Build(t.Context(), root, "mipsle", program, false))
	b, err := r.Run(t.Context(), malta.Job{
		Script: "tunnel", Args: []string{strconv.Itoa(memoryBound)},
		Files: openWrt(t, program), Memory: 64, Limit: 5 * time.Minute,
	}, nil, func(s string) { t.Log(s) })
	require.NoError(t, err)
	seen := report(t, b.Lines)
	assert.Zero(t, b.Status, "the job's exit status")
	for _, name := range []string{"call", "down", "up", "jitter-down", "jitter-up", "client-memory", "server-memory", "nobody-killed",
		"client-exit", "client-gone", "server-exit",
		"openwrt-packages", "openwrt-defaults", "openwrt-up", "openwrt-ping", "openwrt-exit", "openwrt-down", "openwrt-password", "openwrt-refused"} {
		assert.True(t, seen[name], "no check %q: the job ended before it", name)
	}
}

// TestAlone boots a router of 64 MB whose server is this machine.
func TestAlone(t *testing.T) {
	r := prepare(t)
	dir := t.TempDir()
	program, server := filepath.Join(dir, "arc4"), filepath.Join(dir, "server")
	require.NoError(t, malta.Build(t.Context(), root, "mipsle", program, false))
	require.NoError(t, malta.BuildServer(t.Context(), root, server))
	b, err := r.Run(t.Context(), malta.Job{
		Script: "alone", Args: []string{"1"}, Files: map[string]string{"arc4": program}, Server: server, Memory: 64, Limit: 5 * time.Minute,
	}, nil, func(s string) { t.Log(s) })
	require.NoError(t, err)
	seen := report(t, b.Lines)
	assert.Zero(t, b.Status, "the job's exit status")
	for _, name := range []string{"answered", "carries-down", "carries-up", "alive", "nobody-killed", "exit"} {
		assert.True(t, seen[name], "no check %q: the job ended before it", name)
	}
}

// openWrt gives the files of a job that installs the packages for OpenWrt with this program.
func openWrt(t *testing.T, program string) map[string]string {
	t.Helper()
	out := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "run", "-C", filepath.Join(root, "packaging/pack"), "./openwrt", "-goarch", "mipsle", "-program", program, "-out", out)
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, string(output))
	all := map[string]string{"arc4": program, "openwrt.sh": filepath.Join(root, "interop/router/guest/openwrt.sh")}
	for _, format := range []string{"ipk", "apk"} {
		found, err := filepath.Glob(filepath.Join(out, "arc4_*."+format))
		require.NoError(t, err)
		require.Len(t, found, 1)
		all["arc4."+format] = found[0]
	}
	for _, double := range []string{"lib/functions.sh", "lib/netifd/netifd-proto.sh"} {
		all["openwrt/"+double] = filepath.Join(root, "packaging/openwrt/testdata/root", double)
	}
	return all
}

// report makes a subtest of every line PASS or FAIL, and a log line of every other.
func report(t *testing.T, lines []string) map[string]bool {
	seen := map[string]bool{}
	for _, line := range lines {
		verdict, rest, _ := strings.Cut(line, " ")
		if verdict != "PASS" && verdict != "FAIL" {
			t.Log(line)
			continue
		}
		name, detail, _ := strings.Cut(rest, " ")
		seen[name] = true
		t.Run(name, func(t *testing.T) {
			t.Log(detail)
			assert.Equal(t, "PASS", verdict)
		})
	}
	return seen
}
