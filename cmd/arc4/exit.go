package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
)

// The exit codes of every subcommand. Scripts depend on them.
const (
	exitOK         = 0
	exitFailure    = 1
	exitUsage      = 2
	exitAuth       = 3
	exitNetwork    = 4
	exitPolicy     = 5
	exitPermission = 6
	// exitInterrupted is what shells give a program that control-C has ended.
	exitInterrupted = 130
)

// exitMeaning is a code and what it says: of every command, and of some besides.
type exitMeaning struct {
	code    int
	meaning string
	also    []exitNote
}

type exitNote struct {
	commands []string
	what     string
}

// exitMeanings is what the help, the manual pages and the README say about each code, in order.
var exitMeanings = []exitMeaning{
	{exitOK, "done", []exitNote{{[]string{"connect", "serve"}, "ended by a signal, and everything put back"}}},
	{exitFailure, "any other failure", []exitNote{
		{[]string{"speed", "speed tunnel", "demo"}, "interrupted"},
		{[]string{"speed", "backends"}, "a backend failed its self-test"},
		{[]string{"status", "trace"}, "no tunnel is running"},
	}},
	{exitUsage, "usage: an unknown command, flag or name, or a value out of range", []exitNote{
		{[]string{"connect", "serve"}, "a file of secrets is missing or malformed"},
	}},
	{exitAuth, "authentication: the peer refused the user or the password, or could not prove itself", nil},
	{exitNetwork, "network: the peer cannot be reached, GRE is blocked, an address or port is taken", []exitNote{
		{[]string{"connect"}, "the server refused or ended the call"},
	}},
	{exitPolicy, "peer policy: the peer does not agree to what is required here, such as encryption", []exitNote{
		{[]string{"connect"}, "the user has logged in elsewhere, and the server allows no more sessions"},
	}},
	{exitPermission, "permission: a capability, a device or a file is out of reach for this user", []exitNote{
		{[]string{"connect", "serve"}, "others can read a file of secrets"},
	}},
	{exitInterrupted, "control-C or control-D instead of the password that was asked for", nil},
}

// text says what a code means to all commands.
func (m exitMeaning) text() string {
	text := m.meaning
	for _, n := range m.also {
		text += "; " + allOf(n.commands) + " also: " + n.what
	}
	return text
}

// allOf lists words for a sentence: "a, b and c".
func allOf(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// of says what a code means to one command.
func (m exitMeaning) of(command string) string {
	text := m.meaning
	for _, n := range m.also {
		if slices.Contains(n.commands, command) {
			text += "; also: " + n.what
		}
	}
	return text
}

// exits are the codes that a command may end with, in order; those of the program itself are all.
func exits(command string, codes ...int) []clidoc.Entry {
	var list []clidoc.Entry
	for _, m := range exitMeanings {
		switch {
		case command == programName:
			list = append(list, clidoc.Entry{Name: strconv.Itoa(m.code), What: m.text()})
		case slices.Contains(codes, m.code):
			list = append(list, clidoc.Entry{Name: strconv.Itoa(m.code), What: m.of(command)})
		}
	}
	return list
}

// exitCodesText is the list of all exit codes, as a description has it.
func exitCodesText() string {
	var b strings.Builder
	for _, m := range exitMeanings {
		fmt.Fprintf(&b, clidoc.Indent+"%d  %s\n", m.code, m.text())
	}
	return b.String()
}

// exitError is an error that knows the code the process ends with.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// withExit gives err the exit code that it ends the process with; nil stays nil.
func withExit(code int, err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: code, err: err}
}

// usageError is a mistake in the command line: it names the value and the remedy, and ends with
// exitUsage.
func usageError(format string, args ...any) error {
	return withExit(exitUsage, fmt.Errorf(format, args...))
}

// codeOf is the exit code that a command's error stands for: its own if it carries one, else what
// the operating system's error underneath says.
func codeOf(err error) int {
	var coded *exitError
	var operation *net.OpError
	var lookup *net.DNSError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, fs.ErrPermission):
		return exitPermission
	case errors.As(err, &operation), errors.As(err, &lookup):
		return exitNetwork
	default:
		return exitFailure
	}
}

// errSaid stands for an error that was reported already, by another process that did this one's
// work.
var errSaid = errors.New("reported already")

// report writes the one line that says what went wrong and returns the exit code.
func report(w io.Writer, err error) int {
	if err != nil && !errors.Is(err, errSaid) {
		fmt.Fprintf(w, "arc4: %s\n", oneLine(err.Error()))
	}
	return codeOf(err)
}

// oneLine joins the lines of a message, because scripts and logs read errors by the line.
func oneLine(s string) string {
	return strings.Join(strings.Fields(s), " ")
}
