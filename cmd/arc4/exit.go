package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
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
)

// exitMeanings is what the help says about each code, in order.
var exitMeanings = []struct {
	code    int
	meaning string
}{
	{exitOK, "done; for connect and serve also: ended by SIGINT or SIGTERM after a clean shutdown"},
	{exitFailure, "any other failure; for speed also: interrupted, or a backend failed its self-test"},
	{exitUsage, "usage: an unknown command, flag or name, or a value out of range"},
	{exitAuth, "authentication: the peer refused the user or the password, or could not prove itself"},
	{exitNetwork, "network: the peer cannot be reached, GRE is blocked, an address or port is taken"},
	{exitPolicy, "peer policy: the peer does not agree to what is required here, such as encryption"},
	{exitPermission, "permission: a capability, a device or a file is out of reach for this user"},
}

// exitCodesText is the table of exit codes as the help shows it, one code a line. Four blanks keep the lines apart in the
// manual pages too.
func exitCodesText() string {
	var b strings.Builder
	for _, m := range exitMeanings {
		fmt.Fprintf(&b, "    %d  %s\n", m.code, m.meaning)
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

// usageError is a mistake in the command line: it names the value and the remedy, and ends with exitUsage.
func usageError(format string, args ...any) error {
	return withExit(exitUsage, fmt.Errorf(format, args...))
}

// codeOf is the exit code that a command's error stands for: its own if it carries one, else what the operating
// system's error underneath says.
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

// errSaid stands for an error that was reported already, by another process that did this one's work.
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
