package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// event is a line of `go test -json` (go doc test2json; build-output is from
// cmd/go itself).
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build-output
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

// goTest describes one run of `go test`.
type goTest struct {
	label string         // before every name, such as "mipsle"
	args  []string       // after `go test -json`
	env   []string       // in addition to the environment
	show  *regexp.Regexp // lines of output to show even when all is well
}

// run runs the tests and counts every test and subtest.
func (g goTest) run(t *tally) {
	cmd := exec.Command("go", g.command()...)
	cmd.Env = append(os.Environ(), g.env...)
	var errout bytes.Buffer
	cmd.Stderr = &errout
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.fail(labelled(g.label, "go test"), err.Error())
		return
	}
	failedBefore := len(t.failed)
	g.read(t, stdout)
	if err := cmd.Wait(); err != nil && len(t.failed) == failedBefore {
		// such as a pattern that matches nothing: no event tells
		t.fail(labelled(g.label, "go test "+strings.Join(g.args, " ")), fmt.Sprintf("%s%v\n", errout.String(), err))
	}
}

// read counts the events of r.
func (g goTest) read(t *tally, r io.Reader) {
	output := map[string]*strings.Builder{} // by package and test, and by build
	add := func(key, text string) {
		if output[key] == nil {
			output[key] = new(strings.Builder)
		}
		output[key].WriteString(text)
	}
	take := func(key string) string {
		b := output[key]
		delete(output, key)
		if b == nil {
			return ""
		}
		return b.String()
	}
	failures := map[string]int{} // failed tests of a package
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(t.out, lines.Text())
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "build-output":
			add(e.ImportPath, e.Output)
		case "output":
			if g.show != nil && g.show.MatchString(e.Output) {
				fmt.Fprint(t.out, "  ", strings.TrimLeft(e.Output, " "))
			}
			add(key, e.Output)
		case "pass", "skip", "fail":
			if e.Test == "" {
				g.endPackage(t, e, failures[e.Package], take(key)+take(e.FailedBuild))
				continue
			}
			name := short(e.Package) + " " + e.Test
			text := take(key)
			switch e.Action {
			case "pass":
				t.passTest(name)
			case "skip":
				t.skip(g.label, name, reason(text))
			case "fail":
				failures[e.Package]++
				t.fail(labelled(g.label, name), text)
			}
		}
	}
}

// endPackage prints a package's line. A package that failed without a failed
// test (it did not build, it panicked, its time ran out) is a failure of its own.
func (g goTest) endPackage(t *tally, e event, failures int, text string) {
	name := labelled(g.label, short(e.Package))
	switch {
	case e.Action == "fail" && failures == 0:
		t.fail(name, text)
	case e.Action == "fail":
		fmt.Fprintf(t.out, "FAIL %s: %d failed (%.1f s)\n", name, failures, e.Elapsed)
	case e.Action == "pass":
		fmt.Fprintf(t.out, "ok   %s (%.1f s)\n", name, e.Elapsed)
	}
}

// reason picks out of a skipped test's output what t.Skip was given.
func reason(output string) string {
	var said []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "===") || strings.HasPrefix(line, "---") {
			continue
		}
		said = append(said, line)
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, " ")
}

// short is a package's path within the module.
func short(pkg string) string {
	return strings.TrimPrefix(strings.TrimPrefix(pkg, "github.com/arc4tun/arc4tun"), "/")
}

// command is what go is called with. -C has to come first.
func (g goTest) command() []string {
	args := []string{"test"}
	rest := g.args
	if len(rest) > 1 && rest[0] == "-C" {
		args, rest = append(args, rest[:2]...), rest[2:]
	}
	return append(append(args, "-json"), rest...)
}

// events reads lines of `go test -json`, passing over what is not one.
func events(lines string) iter.Seq[event] {
	return func(yield func(event) bool) {
		for line := range strings.Lines(lines) {
			var e event
			if json.Unmarshal([]byte(line), &e) == nil && !yield(e) {
				return
			}
		}
	}
}
