// Command testrun runs the project's checks and adds up what they say.
//
//	go run ./tools/testrun            everything
//	go run ./tools/testrun unit fuzz  these parts
//
// What there is to run is in parts.go, in order. The program prints a line for each package and
// check, the output of what failed, the reason of every skipped test, and at the end one line
// "N passed, N failed, N skipped". It exits with 1 if anything failed or, with CI=true in the
// environment, if anything was skipped.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	chosen, err := choose(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
		os.Exit(2)
	}
	if err := toModuleRoot(); err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
		os.Exit(2)
	}
	t := &tally{out: os.Stdout, ci: os.Getenv("CI") == "true"}
	for _, p := range chosen {
		begin := time.Now()
		fmt.Printf("== %s: %s\n", p.name, p.about)
		for _, s := range p.steps {
			s.check(t)
		}
		fmt.Printf("== %s: %.0f s\n", p.name, time.Since(begin).Seconds())
	}
	if !t.conclude() {
		os.Exit(1)
	}
}

// choose gives the parts named, or all of them.
func choose(names []string) ([]part, error) {
	if len(names) == 0 {
		return parts, nil
	}
	var chosen []part
next:
	for _, name := range names {
		for _, p := range parts {
			if p.name == name {
				chosen = append(chosen, p)
				continue next
			}
		}
		known := make([]string, len(parts))
		for i, p := range parts {
			known[i] = p.name
		}
		return nil, fmt.Errorf("no part %q; there are %s", name, strings.Join(known, ", "))
	}
	return chosen, nil
}

// toModuleRoot changes to the directory of go.mod, so that patterns such as
// ./... mean the whole module wherever the command was started.
func toModuleRoot() error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return os.Chdir(dir)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return fmt.Errorf("no go.mod here or above; run it inside the repository")
		}
		dir = parent
	}
}
