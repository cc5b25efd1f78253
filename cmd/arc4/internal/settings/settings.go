// Package settings brings values into the flags of a command that do not stand on its command line:
// from environment variables, and from what a file said. A value that is wrong is told with the
// place that it came from.
package settings

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// Origin is where a value comes from: an environment variable, or a line of a file.
type Origin struct {
	Variable string
	File     string
	Line     int
}

// String is how an error begins that is about a value of this origin.
func (o Origin) String() string {
	if o.Variable != "" {
		return o.Variable
	}
	return fmt.Sprintf("%s:%d", o.File, o.Line)
}

// Kind is what a value is written as.
type Kind int

// The kinds.
const (
	Text Kind = iota
	Number
	Bool
)

// Value is what is said of a flag: one item, or several for a flag that takes a list.
type Value struct {
	Items []string
	Kind  Kind // of the items
	List  bool // written as a list
}

// Settings are the values of a command's flags that did not come from its command line. The zero
// value is ready.
type Settings struct {
	origins map[string]Origin // by the flag's name
}

// Origin is where a flag's value came from, if not from the command line.
func (s *Settings) Origin(flag string) (o Origin, known bool) {
	o, known = s.origins[flag]
	return o, known
}

// note says where a flag's value came from.
func (s *Settings) note(flag string, o Origin) {
	if s.origins == nil {
		s.origins = make(map[string]Origin)
	}
	s.origins[flag] = o
}

// Implied notes for a flag that was not given where its value comes from all the same.
func (s *Settings) Implied(flag string, o Origin) { s.note(flag, o) }

// Set gives a flag a value, unless it has one that counts for more: from the command line, or from
// an earlier Set.
func (s *Settings) Set(flags *pflag.FlagSet, name string, v Value, o Origin) error {
	f := flags.Lookup(name)
	name = f.Name // it may have had another
	if _, taken := s.origins[name]; taken || f.Changed {
		return nil
	}
	s.note(name, o)
	items, err := itemsFor(f, v)
	if err != nil {
		return exit.Usagef("%w", s.place(o, name, err))
	}
	if list, is := f.Value.(pflag.SliceValue); is {
		if err := list.Replace(items); err != nil {
			return exit.Usagef("%w", s.place(o, name, fmt.Errorf("%q: %w", strings.Join(items, ", "), err)))
		}
		f.Changed = true
		return nil
	}
	if err := flags.Set(name, items[0]); err != nil {
		return exit.Usagef("%w", s.place(o, name, fmt.Errorf("%q: %s", items[0], cmdline.ValueError(f, err))))
	}
	return nil
}

// place says where a mistake in a flag's value is.
func (s *Settings) place(o Origin, name string, err error) error {
	if o.Variable != "" {
		return fmt.Errorf("%s=%w", o, err)
	}
	return fmt.Errorf("%s: %s = %w", o, name, err)
}

// itemsFor turns what is written into what the flag takes on a command line.
func itemsFor(f *pflag.Flag, v Value) ([]string, error) {
	written := strings.Join(v.Items, ", ")
	if _, is := f.Value.(pflag.SliceValue); is {
		if v.Kind == Bool {
			return nil, fmt.Errorf("%s: must be a text in quotation marks, or a list of such", written)
		}
		if v.List {
			return v.Items, nil
		}
		return split(v.Items[0]), nil
	}
	if v.List {
		return nil, fmt.Errorf("[%s]: must be one value, no list", written)
	}
	switch kind := f.Value.Type(); {
	case v.Kind == Bool && kind != "bool":
		return nil, fmt.Errorf("%s: %s", written, formOf(kind))
	case v.Kind == Number && kind == "bool":
		return nil, fmt.Errorf("%s: must be true or false", written)
	case v.Kind == Number && kind == "duration":
		seconds, err := strconv.ParseFloat(strings.ReplaceAll(written, "_", ""), 64)
		if err != nil || seconds > 1e9 || seconds < -1e9 {
			return nil, fmt.Errorf(`%s: must be a number of seconds, or a text such as "500ms", "30s" or "2m"`, written)
		}
		return []string{time.Duration(seconds * float64(time.Second)).Round(time.Microsecond).String()}, nil
	}
	return v.Items, nil
}

// formOf says what a flag of a type takes instead of true and false.
func formOf(kind string) string {
	switch kind {
	case "int":
		return "must be a whole number"
	case "duration":
		return `must be a number of seconds, or a text such as "500ms", "30s" or "2m"`
	}
	return "must be a text in quotation marks"
}

// split takes the items of a list apart that stand in one text with commas between them.
func split(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// Explain puts the place of a value before an error that is about the flag, and calls the flag as
// it is called there: the checks that a command makes know nothing of where its values come from.
func (s *Settings) Explain(err error) error {
	if err == nil || len(s.origins) == 0 || exit.CodeOf(err) != exit.Usage && exit.CodeOf(err) != exit.Permission {
		return err
	}
	var first *Origin
	said := renameFlags(err.Error(), func(flag string) string {
		o, known := s.origins[flag]
		if !known {
			return "--" + flag
		}
		if first == nil {
			first = &o
		}
		if o.Variable != "" {
			return o.Variable
		}
		return flag
	})
	switch {
	case first == nil || errors.Is(err, exit.ErrReported):
		return err
	case first.File != "":
		said = first.String() + ": " + said
	}
	return &explained{said, err}
}

// renameFlags has name say how each flag is to be called that a text names as --FLAG.
func renameFlags(text string, name func(flag string) string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "--")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		end := strings.IndexFunc(after, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' })
		if end < 0 {
			end = len(after)
		}
		flag := strings.TrimRight(after[:end], "-")
		if flag == "" {
			b.WriteString("--" + after[:end])
		} else {
			b.WriteString(name(flag) + after[len(flag):end])
		}
		text = after[end:]
	}
}

// explained is an error in other words.
type explained struct {
	said string
	err  error
}

func (e *explained) Error() string { return e.said }
func (e *explained) Unwrap() error { return e.err }
