// Package labtest gives tests what the laboratory has: hosts and network namespaces that end with
// the test, which is skipped where they cannot be had.
package labtest

import (
	"os"
	"testing"
)

// Skip says why a test did not run, and fails it instead where nothing may be skipped.
func Skip(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("skipped, which CI=true forbids: "+format, args...)
	}
	t.Skipf(format, args...)
}
