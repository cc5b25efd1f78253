package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tools/internal/emulated"
)

// TestNanosleep counts what the runtime gives nanosleep, under qemu-user and strace, which sees the
// emulator's own calls of it: in a program that this one has built, and in one that Go has built
// alone. Sysmon sleeps for 20 µs at first; with the fault it is 20 ns.
func TestNanosleep(t *testing.T) {
	for _, name := range []string{"mipsle", "mips"} {
		t.Run(name, func(t *testing.T) {
			machine, err := emulated.Find(name)
			require.NoError(t, err)
			emulator, err := machine.Command(t.TempDir())
			if err != nil {
				t.Skip(err)
			}
			if _, err := exec.LookPath("strace"); err != nil {
				t.Skip("no strace (apt-get install strace)")
			}
			t.Run("with the tool", func(t *testing.T) {
				program := filepath.Join(t.TempDir(), "busy")
				require.NoError(t, run(target{goos: "linux", goarch: name, output: program, packages: []string{"./testdata/busy"}}, ""))
				calls, says := nanosleeps(t, emulator, program)
				assert.Equal(t, "right", says)
				assert.Contains(t, calls, 20_000)
				for nanoseconds, times := range calls {
					assert.Zero(t, nanoseconds%1000, "%d times: usleep counts microseconds", times)
				}
			})
			t.Run("without", func(t *testing.T) {
				root, err := goEnv("GOROOT")
				require.NoError(t, err)
				mended, err := mendedRuntime(target{goos: "linux", goarch: name, goroot: root}, t.TempDir())
				require.NoError(t, err)
				program := filepath.Join(t.TempDir(), "busy")
				build := exec.Command("go", "build", "-o", program, "./testdata/busy")
				build.Env = append(os.Environ(), machine.Env()...)
				output, err := build.CombinedOutput()
				require.NoError(t, err, string(output))
				calls, says := nanosleeps(t, emulator, program)
				if len(mended) == 0 { // this Go needs no mending
					assert.Equal(t, "right", says)
					assert.Contains(t, calls, 20_000)
					return
				}
				assert.Equal(t, "faulty", says)
				assert.Contains(t, calls, 20)
				for nanoseconds, times := range calls {
					assert.LessOrEqual(t, nanoseconds, 10_000, "%d times: sysmon's longest pause is 10 ms", times)
				}
			})
		})
	}
}

var nanosleep = regexp.MustCompile(`nanosleep\(\{tv_sec=(\d+), tv_nsec=(\d+)\}`)

// nanosleeps counts the program's calls of nanosleep by their nanoseconds, and returns what it
// says.
func nanosleeps(t *testing.T, emulator []string, program string) (calls map[int]int, says string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "calls")
	args := append([]string{"-f", "-qq", "-o", log, "-e", "trace=nanosleep"}, append(emulator, program)...)
	cmd := exec.Command("strace", args...)
	var errors strings.Builder
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil && strings.Contains(errors.String(), "Operation not permitted") {
		t.Skipf("strace may not trace here: %s", errors.String())
	}
	require.NoError(t, err, errors.String())
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	calls = map[int]int{}
	for _, call := range nanosleep.FindAllStringSubmatch(string(text), -1) {
		assert.Equal(t, "0", call[1], "seconds")
		nanoseconds, err := strconv.Atoi(call[2])
		require.NoError(t, err)
		calls[nanoseconds]++
	}
	t.Logf("nanosleep was called for (ns: times) %v", calls)
	return calls, strings.TrimSpace(string(out))
}
