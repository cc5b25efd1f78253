// Package cmdline reads the words of a command line: values of flags, addresses of servers and
// machines, and the spelling of openssl. A mistake is an error that names the value and the remedy.
package cmdline

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// valueForms is what a flag's value must be, by the flag's type, where Go's own packages would say
// what went wrong inside of them instead.
var valueForms = map[string]string{
	"int":      "must be a whole number",
	"uint32":   "must be a whole number of at most 4294967295",
	"duration": "must be a length of time with its unit, such as 500ms, 30s or 2m",
	"bool":     "must be true or false",
}

// ValueError says what is wrong with the value that a flag was to get, without naming either.
func ValueError(f *pflag.Flag, err error) string {
	if form, known := valueForms[f.Value.Type()]; known {
		return form
	}
	var bad *pflag.InvalidValueError
	if errors.As(err, &bad) && bad.Unwrap() != nil {
		return bad.Unwrap().Error()
	}
	return err.Error()
}

// Error is what a flag that cannot be parsed ends with.
func Error(cmd *cobra.Command, err error) error {
	var bad *pflag.InvalidValueError
	if errors.As(err, &bad) {
		if _, ours := bad.GetFlag().Value.(*Span); ours {
			return exit.Usagef(`--%s %q: %w; see "%s --help"`, bad.GetFlag().Name, bad.GetValue(), bad.Unwrap(), cmd.CommandPath())
		}
		if form, known := valueForms[bad.GetFlag().Value.Type()]; known {
			return exit.Usagef(`--%s %q: %s; see "%s --help"`, bad.GetFlag().Name, bad.GetValue(), form, cmd.CommandPath())
		}
	}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		if meant := oneDash(cmd, unknown.GetSpecifiedShortnames()); meant != "" {
			return exit.Usagef(`-%s: did you mean --%s? see "%s --help"`, unknown.GetSpecifiedShortnames(), meant, cmd.CommandPath())
		}
	}
	return exit.Usagef(`%w; see "%s --help"`, err, cmd.CommandPath())
}
