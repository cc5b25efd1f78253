package main

import (
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// tally counts what passed, failed and was skipped.
type tally struct {
	out     io.Writer
	ci      bool // a skip is a failure
	passed  int
	failed  []string
	skipped []skipped
	ran     map[string]bool // tests that passed, by package and name, under any label
}

// skipped is a test that was left out.
type skipped struct{ test, text string }

func (t *tally) pass() { t.passed++ }

// passTest records that a test passed.
func (t *tally) passTest(test string) {
	t.pass()
	if t.ran == nil {
		t.ran = map[string]bool{}
	}
	t.ran[test] = true
}

// fail records a failure and shows the end of its output.
func (t *tally) fail(name, output string) {
	t.failed = append(t.failed, name)
	fmt.Fprintf(t.out, "FAIL %s\n%s", name, shorten(output, 80))
}

// skip records that a test was skipped, under this label; the reasons are listed
// at the end.
func (t *tally) skip(label, test, reason string) {
	text := strings.TrimSpace(label+" "+test) + ": " + reason
	t.skipped = append(t.skipped, skipped{test, text})
	fmt.Fprintf(t.out, "SKIP %s\n", text)
}

// neverRan leaves out the skips of tests that passed in another run of the same
// command, such as one that cannot count allocations under the race detector.
func (t *tally) neverRan() []skipped {
	var never []skipped
	for _, s := range t.skipped {
		if !t.ran[s.test] {
			never = append(never, s)
		}
	}
	return never
}

// check runs one command as one check: it passes when the command exits with 0.
func (t *tally) check(name string, cmd *exec.Cmd) {
	t.checkBut(func(string) bool { return false }, name, cmd)
}

// checkBut does so, and takes a failure for none whose output is harmless.
func (t *tally) checkBut(harmless func(output string) bool, name string, cmd *exec.Cmd) {
	begin := time.Now()
	output, err := cmd.CombinedOutput()
	if err != nil && !harmless(string(output)) {
		t.fail(name, fmt.Sprintf("%s%s: %v\n", output, strings.Join(cmd.Args, " "), err))
		return
	}
	t.pass()
	fmt.Fprintf(t.out, "ok   %s (%.1f s)\n", name, time.Since(begin).Seconds())
}

// conclude prints what was skipped, what failed and the sums, and reports whether
// the run is good.
func (t *tally) conclude() bool {
	good := len(t.failed) == 0
	never := t.neverRan()
	if len(never) > 0 {
		fmt.Fprintln(t.out, "skipped, and run nowhere else:")
		for _, s := range never {
			fmt.Fprintln(t.out, "  "+s.text)
		}
		if t.ci {
			fmt.Fprintln(t.out, "under CI=true a skip is a failure")
			good = false
		}
	}
	if len(t.failed) > 0 {
		fmt.Fprintln(t.out, "failed:")
		for _, f := range t.failed {
			fmt.Fprintln(t.out, "  "+f)
		}
	}
	if t.passed == 0 {
		fmt.Fprintln(t.out, "nothing passed: no check was run")
		good = false
	}
	fmt.Fprintf(t.out, "%d passed, %d failed, %d skipped\n", t.passed, len(t.failed), len(never))
	return good
}

// shorten leaves the first and the last n lines of s, since a program that falls says why at the
// beginning, and a test at the end; the result is empty or ends in a newline.
func shorten(s string, n int) string {
	s = strings.TrimRight(s, "\n")
	if s == "" {
		return ""
	}
	lines := strings.Split(s, "\n")
	if cut := len(lines) - 2*n; cut > 0 {
		lines = slices.Concat(lines[:n], []string{fmt.Sprintf("... %d lines left out", cut)}, lines[n+cut:])
	}
	return strings.Join(lines, "\n") + "\n"
}
