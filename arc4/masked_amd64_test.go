package arc4_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/arc4"
)

// maskedEnvironment tells this program, run again by TestMaskedFeatures, which
// backends it should have.
const maskedEnvironment = "ARC4_TEST_BACKENDS"

// TestMaskedFeatures runs the conformance suite as on processors that lack what
// this one may have. golang.org/x/sys/cpu takes features away that GODEBUG
// names.
func TestMaskedFeatures(t *testing.T) {
	for _, c := range []struct {
		name    string
		godebug string
		without []string
		suite   bool // run all of it; otherwise only the list of backends is looked at
	}{
		{"nothing", "", nil, false},
		{"no AVX-512F", "cpu.avx512f=off", []string{"amd64-avx512"}, true},
		{"no AVX-512BW", "cpu.avx512bw=off", []string{"amd64-avx512"}, false},
		{"no AVX-512VL", "cpu.avx512vl=off", []string{"amd64-avx512"}, false},
		{"no SSE4.1", "cpu.sse41=off", []string{"amd64-sse41"}, false},
		{"nothing but SSE2", "cpu.all=off", []string{"amd64-avx512", "amd64-sse41"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want []string
			for _, b := range arc4.Backends() {
				if !slices.Contains(c.without, b.Name()) {
					want = append(want, b.Name())
				}
			}
			run := "^TestMaskedBackends$"
			if c.suite {
				run = "^(TestConformance|TestMaskedBackends|TestSelected)$"
			}
			cmd := exec.Command(os.Args[0], "-test.run", run, "-test.v")
			cmd.Env = append(os.Environ(), "GODEBUG="+c.godebug, maskedEnvironment+"="+strings.Join(want, ","))
			output, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", output)
			if !c.suite {
				return
			}
			for _, name := range want {
				assert.Contains(t, string(output), "--- PASS: TestConformance/"+name+"/batches_of_equal_jobs ")
			}
			for _, name := range c.without {
				assert.NotContains(t, string(output), "--- PASS: TestConformance/"+name+"/")
			}
		})
	}
}

// TestMaskedBackends runs in the program that TestMaskedFeatures runs again.
func TestMaskedBackends(t *testing.T) {
	want := os.Getenv(maskedEnvironment)
	if want == "" {
		return // there is nothing to hold against
	}
	var got []string
	for _, b := range arc4.Backends() {
		got = append(got, b.Name())
	}
	assert.Equal(t, want, strings.Join(got, ","))
	for _, b := range arc4.Known() {
		if b.Missing() == "" {
			continue
		}
		_, err := arc4.Lookup(b.Name())
		assert.ErrorContains(t, err, b.Missing())
	}
}
