package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"

	"github.com/arc4tun/arc4tun/tools/internal/emulated"
)

// A part is a named group of checks.
type part struct {
	name, about string
	steps       []step
}

// A step is a command of a part. One of `go test` counts as many checks as it runs tests, any other
// is one check, which passes if the command does.
type step struct {
	run  string                      // the command, after what it adds to the environment
	as   string                      // a label before every name, such as "purego"
	how  func(t *tally, s step)      // instead of running the command as it is
	on   func(emulated.Machine) bool // the emulated machines to run it on
	show *regexp.Regexp              // lines of a test's output to show even when all is well

	filled *strings.Replacer // what stands for the words in capitals
}

// with fills words of the command in, and leaves how it is run to the caller: old, new, ...
func (s step) with(oldnew ...string) step {
	s.how, s.on, s.filled = nil, nil, strings.NewReplacer(oldnew...)
	return s
}

// check runs the command and counts it.
func (s step) check(t *tally) {
	switch env, args := s.words(); {
	case s.how != nil:
		s.how(t, s)
	case s.on != nil:
		s.onMachines(t)
	case len(args) > 2 && args[0] == "go" && args[1] == "test":
		goTest{label: s.as, args: args[2:], env: env, show: s.show}.run(t)
	default:
		t.check(labelled(s.as, s.run), s.command())
	}
}

// words splits the command into what it adds to the environment and its arguments. Quotes around a
// word are for the shell that somebody copies it to.
func (s step) words() (env, args []string) {
	for _, word := range strings.Fields(s.run) {
		if len(args) == 0 && strings.Contains(word, "=") {
			env = append(env, word)
			continue
		}
		word = strings.Trim(word, "'")
		if s.filled != nil {
			word = s.filled.Replace(word) // after the splitting, for it may have blanks
		}
		args = append(args, word)
	}
	return env, args
}

// command is the step's command.
func (s step) command() *exec.Cmd {
	env, args := s.words()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

// labelled is name after a label, if there is one.
func labelled(label, name string) string { return strings.TrimSpace(label + " " + name) }
