package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// enabled is what the standard library has of the FIPS 140 mode.
const enabled = `package fips140

var Enabled bool

func init() {
	switch v := setting(); v {
	case "on", "only":
		Enabled = true
	}
}
`

func TestWithoutFIPS(t *testing.T) {
	got, err := withoutFIPS(enabled)
	require.NoError(t, err)
	require.Equal(t, `package fips140

const Enabled = false

func init() {
	switch v := setting(); v {
	case "on", "only":
		panic("GODEBUG=fips140=" + v + ": this program was built without FIPS 140, see tools/build/leanstd.go")
	}
}
`, got)
	for _, test := range []struct{ name, from, to, want string }{
		{"not declared so", "var Enabled bool", "var Enabled atomic.Bool", `there is no "var Enabled bool"`},
		{"not set", "Enabled = true", "Enabled = v", `that "Enabled = true" sets`},
		{"no Go", "package", "paket", "expected 'package'"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := withoutFIPS(strings.Replace(enabled, test.from, test.to, 1))
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestWithoutDRBG(t *testing.T) {
	const pool = "package drbg\n\nvar drbgPool = sync.Pool{New: func() any {\n\treturn NewCounter(getEntropy())\n}}\n"
	got, err := withoutDRBG(pool)
	require.NoError(t, err)
	require.Equal(t, "package drbg\n\nvar drbgPool = sync.Pool{New: func() any { panic(\"fips140/drbg: built without\") }}\n", got)
	_, err = withoutDRBG(strings.Replace(pool, "getEntropy()", "entropy", 1))
	require.ErrorContains(t, err, "there is no func() any { return NewCounter(getEntropy()) } in it")
}

func TestWithBodies(t *testing.T) {
	const source = "package p\n\nfunc (s *S) a() int {\n\treturn 1\n}\n\nfunc b() { c() }\n\nfunc c()\n"
	got, err := withBodies(source, map[string]string{"a": "{ return 2 }"})
	require.NoError(t, err)
	require.Equal(t, "package p\n\nfunc (s *S) a() int { return 2 }\n\nfunc b() { c() }\n\nfunc c()\n", got)
	for _, test := range []struct{ name, body, want string }{
		{"none", "d", "there are 0 functions d in it"},
		{"one in assembly", "c", "there are 0 functions c in it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := withBodies(source, map[string]string{test.body: "{}"})
			require.ErrorContains(t, err, test.want)
		})
	}
	_, err = withBodies(source+"\nfunc (t T) b() {}\n", map[string]string{"b": "{}"})
	require.ErrorContains(t, err, "there are 2 functions b in it")
}

// TestLeanStd: this toolchain's files are as they are expected, and stay as they are.
func TestLeanStd(t *testing.T) {
	goroot, err := goEnv("GOROOT")
	require.NoError(t, err)
	before := map[string]string{}
	for name := range leanStdFiles {
		text, err := os.ReadFile(filepath.Join(goroot, "src", name))
		require.NoError(t, err)
		before[name] = string(text)
	}
	replace, err := prepareLeanStd(goroot, t.TempDir())
	require.NoError(t, err)
	for name, text := range before {
		original := filepath.Join(goroot, "src", name)
		require.Contains(t, replace, original)
		edited, err := os.ReadFile(replace[original])
		require.NoError(t, err)
		assert.NotEqual(t, text, string(edited), name)
		after, err := os.ReadFile(original)
		require.NoError(t, err)
		assert.Equal(t, text, string(after), name)
	}
	assert.Contains(t, replace, filepath.Join(goroot, "src", sharedInSlices))
	_, err = prepareLeanStd(t.TempDir(), t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "teach tools/build/leanstd.go")
}

func TestSortsForSlices(t *testing.T) {
	got, err := sortsForSlices("package sort\n\nfunc stable_func(data lessSwap, n int) {}\n")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(got, "package slices\n\nfunc stable_func(data lessSwap, n int) {}\n\ntype lessSwap struct {"), got)
	for _, source := range []string{"package slices\n", "package sort\n\nimport \"math/bits\"\n"} {
		_, err := sortsForSlices(source)
		require.ErrorContains(t, err, "it is not of package sort, or imports something")
	}
}

// TestSharedSortsSort: package slices with the sorts of package sort passes its own tests.
func TestSharedSortsSort(t *testing.T) {
	goroot, err := goEnv("GOROOT")
	require.NoError(t, err)
	dir := t.TempDir()
	replace, err := prepareLeanStd(goroot, dir)
	require.NoError(t, err)
	for name := range replace {
		if !strings.HasPrefix(name, filepath.Join(goroot, "src", "slices")) {
			delete(replace, name)
		}
	}
	require.Len(t, replace, 2)
	list, err := writeOverlay(replace, dir)
	require.NoError(t, err)
	out, err := exec.Command("go", "test", "-overlay", list, "-short", "-run", "Sort|Stable|Example", "-v", "slices").CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "--- PASS: TestSortedStableFunc")
	assert.Contains(t, string(out), "--- PASS: TestSortLarge_Random")
}
