package main

import (
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// fuzzBudget is shared by all targets; each gets at least fuzzLeast and at
// most fuzzMost. Building is not counted.
const (
	fuzzBudget = 110 * time.Second
	fuzzLeast  = 2 * time.Second
	fuzzMost   = 5 * time.Second
)

// everyFuzzTarget runs each fuzz target of the module for a few seconds.
func everyFuzzTarget(t *tally, s step) {
	list, err := exec.Command("go", "test", "-json", "-list", "^Fuzz", "./...").Output()
	if err != nil { // a package that does not build; the others' targets still run
		var said strings.Builder
		for e := range events(string(list)) {
			if e.Action == "build-output" {
				said.WriteString(e.Output)
			}
		}
		t.fail("fuzz: go test -list ^Fuzz ./...", fmt.Sprintf("%s%v\n", said.String(), err))
	}
	targets := fuzzTargets(string(list))
	if len(targets) == 0 {
		t.fail("fuzz", "no fuzz target found\n")
		return
	}
	each := min(max(fuzzBudget/time.Duration(len(targets)), fuzzLeast), fuzzMost)
	fmt.Fprintf(t.out, "%d targets, %v each\n", len(targets), each.Round(100*time.Millisecond))
	for _, target := range targets {
		name := "fuzz " + short(target.pkg) + " " + target.name
		t.checkBut(ranOut, name, s.with("TARGET", target.name, "TIME", each.String(), "PACKAGE", target.pkg).command())
	}
}

// ranOut reports whether a fuzz run ended only because its time was up: the Go
// tool at times reports a worker that it stopped itself as a failure with no
// failing input.
func ranOut(output string) bool {
	return strings.Contains(output, "context deadline exceeded") &&
		!strings.Contains(output, "Failing input") &&
		!strings.Contains(output, "panic:")
}

type fuzzTarget struct{ pkg, name string }

// fuzzTargets reads the output of `go test -json -list ^Fuzz`.
func fuzzTargets(list string) []fuzzTarget {
	var targets []fuzzTarget
	for e := range events(list) {
		name := strings.TrimSpace(e.Output)
		if e.Action == "output" && strings.HasPrefix(name, "Fuzz") {
			targets = append(targets, fuzzTarget{e.Package, name})
		}
	}
	return targets
}
