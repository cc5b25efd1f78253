// Package exit knows which failure ends with which exit code, and reports it.
package exit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
	"github.com/arc4tun/arc4tun/internal/features"
	"github.com/arc4tun/arc4tun/tunnel"
)

// program is in front of what is reported.
const program = "arc4"

// The exit codes of every subcommand. Scripts depend on them.
const (
	OK         = 0
	Failure    = 1
	Usage      = 2
	Auth       = 3
	Network    = 4
	Policy     = 5
	Permission = 6
	Down       = 7
	// Interrupted is what shells give a program that control-C has ended.
	Interrupted = 130
)

// Meaning is a code and what it says: of every command, and of some besides.
type Meaning struct {
	Code    int
	Meaning string
	also    []note
}

type note struct {
	commands []string
	what     string
}

// Meanings is what the help, the manual pages and the README say about each code, in order.
var Meanings = []Meaning{
	{OK, "done", []note{{[]string{"connect", "serve"}, "ended by a signal, and everything put back"}, {[]string{"connect"}, "--idle-timeout has ended the tunnel"}}},
	{Failure, "any other failure", []note{
		{[]string{"speed", "speed tunnel", "demo", "check", "decrypt"}, "interrupted"},
		{[]string{"decrypt"}, "there is no call in the capture, or nothing could be deciphered"},
		{[]string{"speed", "backends"}, "a backend failed its self-test"},
		{[]string{"status", "trace"}, "no tunnel is running"},
		{[]string{"connect"}, "another process runs the profile"},
	}},
	{Usage, "usage: an unknown command, flag or name, or a value out of range", []note{
		{[]string{"connect", "serve", "decrypt"}, "a file of secrets is missing or malformed"},
	}},
	{Auth, "authentication: the peer refused the user or the password, or could not prove itself", []note{
		{[]string{"decrypt"}, "the password is not that of the logins in the capture"},
	}},
	{Network, "network: the peer cannot be reached, GRE is blocked, an address or port is taken", []note{
		{[]string{"connect", "check"}, "the server refused or ended the call"},
	}},
	{Policy, "peer policy: the peer does not agree to what is required here, such as encryption", []note{
		{[]string{"connect"}, "the user has logged in elsewhere, and the server allows no more sessions"},
	}},
	{Permission, "permission: a capability, a device or a file is out of reach for this user", []note{
		{[]string{"connect", "serve", "decrypt"}, "others can read a file of secrets"},
	}},
	{Down, "down: status --check found no tunnel, or one through which no packets pass", nil},
	{Interrupted, "control-C or control-D instead of the password that was asked for", nil},
}

// Text says what a code means to all commands that this build has.
func (m Meaning) Text() string { return m.without(features.LeftOut()) }

// without is Text in a build that has not what is left out; a feature is called as its command.
func (m Meaning) without(leftOut []features.Feature) string {
	text := m.Meaning
	for _, n := range m.also {
		var commands []string
		for _, command := range n.commands {
			if !slices.ContainsFunc(leftOut, func(f features.Feature) bool { return slices.Contains(f.Commands(), command) }) {
				commands = append(commands, command)
			}
		}
		if len(commands) > 0 {
			text += "; " + allOf(commands) + " also: " + n.what
		}
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

// Of says what a code means to one command.
func (m Meaning) Of(command string) string {
	text := m.Meaning
	for _, n := range m.also {
		if slices.Contains(n.commands, command) {
			text += "; also: " + n.what
		}
	}
	return text
}

// Entries are the codes that a command may end with, in order; those of the program itself are all.
func Entries(command string, codes ...int) []clidoc.Entry {
	var list []clidoc.Entry
	for _, m := range Meanings {
		switch {
		case command == program:
			list = append(list, clidoc.Entry{Name: strconv.Itoa(m.Code), What: m.Text()})
		case slices.Contains(codes, m.Code):
			list = append(list, clidoc.Entry{Name: strconv.Itoa(m.Code), What: m.Of(command)})
		}
	}
	return list
}

// Text is the list of all exit codes, as a description has it.
func Text() string {
	var b strings.Builder
	for _, m := range Meanings {
		fmt.Fprintf(&b, clidoc.Indent+"%d  %s\n", m.Code, m.Text())
	}
	return b.String()
}

// Error is an error that knows the code the process ends with.
type Error struct {
	code int
	err  error
}

func (e *Error) Error() string { return e.err.Error() }
func (e *Error) Unwrap() error { return e.err }

// With gives err the exit code that it ends the process with; nil stays nil.
func With(code int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{code: code, err: err}
}

// Usagef is a mistake in the command line: it names the value and the remedy, and ends with
// Usage.
func Usagef(format string, args ...any) error {
	return With(Usage, fmt.Errorf(format, args...))
}

// Which failure ends with which code:
//
//	a mistake in flags or arguments         Usage (Usagef)
//	a file of secrets that cannot be used   Usage; Permission if its mode is why
//	no password at the prompt               Interrupted
//	--listen cannot be opened               Network; Permission if that is missing
//	no TUN device, address or route         Failure; Permission if that is missing (CodeOfLocal)
//	a capture cannot be deciphered          Failure; Auth if the password is why
//	a tunnel ends                           byClass (CodeOfClass)
//	a tunnel does not pass a check          Down
//	any other error of the system           Permission, Network or Failure (CodeOf)
//
// Meanings says the same to users.

// byClass has the codes of the ends of a tunnel; those of any other class are Failure.
var byClass = map[tunnel.Class]int{
	tunnel.ClassAuth:       Auth,
	tunnel.ClassNetwork:    Network,
	tunnel.ClassPeer:       Network,
	tunnel.ClassPolicy:     Policy,
	tunnel.ClassReplaced:   Policy,
	tunnel.ClassPermission: Permission,
	tunnel.ClassAdmin:      OK,
	tunnel.ClassIdle:       OK,
}

// CodeOfClass is the exit code that a tunnel's end stands for.
func CodeOfClass(c tunnel.Class) int {
	if code, known := byClass[c]; known {
		return code
	}
	return Failure
}

// CodeOf is the exit code that a command's error stands for: its own if it carries one, else what
// the operating system's error underneath says.
func CodeOf(err error) int {
	var coded *Error
	var operation *net.OpError
	var lookup *net.DNSError
	switch {
	case err == nil:
		return OK
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, fs.ErrPermission):
		return Permission
	case errors.As(err, &operation), errors.As(err, &lookup):
		return Network
	default:
		return Failure
	}
}

// CodeOfLocal is the exit code of what this machine refuses.
func CodeOfLocal(err error) int {
	if errors.Is(err, fs.ErrPermission) {
		return Permission
	}
	return Failure
}

// ErrReported stands for an error that was reported already: by another process that did this one's
// work, or on standard output.
var ErrReported = errors.New("reported already")

// Report writes the one line that says what went wrong and returns the exit code.
func Report(w io.Writer, err error) int {
	if err != nil && !errors.Is(err, ErrReported) {
		fmt.Fprintf(w, program+": %s\n", OneLine(err.Error()))
	}
	return CodeOf(err)
}

// OneLine joins the lines of a message, because scripts and logs read errors by the line. Other
// control characters, as the name of a file from elsewhere may have to command a terminal, are
// question marks then.
func OneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, s)
}
