package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// everyGoFile runs gofmt on the files that git knows, except those that the work tree no longer
// has.
func everyGoFile(t *tally, s step) {
	known, err := exec.Command("git", "ls-files", "*.go").Output()
	if err != nil {
		t.fail("gofmt", fmt.Sprintf("git ls-files: %v\n", err))
		return
	}
	var files []string
	for _, f := range strings.Fields(string(known)) {
		if _, err := os.Stat(f); err == nil {
			files = append(files, f)
		}
	}
	cmd := s.with().command()
	cmd.Args = append(cmd.Args[:len(cmd.Args)-1], files...)
	output, err := cmd.CombinedOutput()
	if err != nil || len(output) > 0 {
		t.fail("gofmt", "not formatted (gofmt -w them):\n"+string(output))
		return
	}
	t.pass()
	fmt.Fprintln(t.out, "ok   gofmt")
}
