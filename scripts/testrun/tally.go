package main

import (
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// tally counts what passed, failed and was skipped.
type tally struct {
	out     io.Writer
	ci      bool // a skip is a failure
	passed  int
	failed  []string
	skipped []string // with the reason
}

func (t *tally) pass() { t.passed++ }

// fail records a failure and shows the end of its output.
func (t *tally) fail(name, output string) {
	t.failed = append(t.failed, name)
	fmt.Fprintf(t.out, "FAIL %s\n%s", name, lastLines(output, 80))
}

// skip records a skip; the reasons are listed at the end.
func (t *tally) skip(name, reason string) {
	t.skipped = append(t.skipped, name+": "+reason)
	fmt.Fprintf(t.out, "SKIP %s: %s\n", name, reason)
}

// check runs one command as one check: it passes when the command exits with 0.
func (t *tally) check(name string, cmd *exec.Cmd) {
	begin := time.Now()
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.fail(name, fmt.Sprintf("%s%s: %v\n", output, strings.Join(cmd.Args, " "), err))
		return
	}
	t.pass()
	fmt.Fprintf(t.out, "ok   %s (%.1f s)\n", name, time.Since(begin).Seconds())
}

// conclude prints what was skipped, what failed and the sums, and says whether
// the run is good.
func (t *tally) conclude() bool {
	good := len(t.failed) == 0
	if len(t.skipped) > 0 {
		fmt.Fprintln(t.out, "skipped:")
		for _, s := range t.skipped {
			fmt.Fprintln(t.out, "  "+s)
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
	fmt.Fprintf(t.out, "%d passed, %d failed, %d skipped\n", t.passed, len(t.failed), len(t.skipped))
	return good
}

// lastLines cuts s to its last n lines; the result is empty or ends in a
// newline.
func lastLines(s string, n int) string {
	s = strings.TrimRight(s, "\n")
	if s == "" {
		return ""
	}
	lines := strings.Split(s, "\n")
	if len(lines) > n {
		cut := len(lines) - n
		lines = append([]string{fmt.Sprintf("... %d lines left out", cut)}, lines[cut:]...)
	}
	return strings.Join(lines, "\n") + "\n"
}
