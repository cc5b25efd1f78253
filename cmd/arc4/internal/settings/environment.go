package settings

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
)

// Prefix is what the names of all environment variables begin with.
const Prefix = "ARC4_"

// Variable is the environment variable of a flag: ARC4_DEFAULT_ROUTE of default-route.
func Variable(flag string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Environment gives flags the values of their variables. One that is empty counts as not set, as
// containers are often given them. A variable of elsewhere is read by somebody else, and here only
// keeps a file's value from counting.
func (s *Settings) Environment(flags *pflag.FlagSet, lookup func(string) (string, bool), elsewhere ...string) error {
	var failed error
	flags.VisitAll(func(f *pflag.Flag) {
		if failed != nil || f.Name == "help" {
			return
		}
		variable := Variable(f.Name)
		text, given := lookup(variable)
		switch {
		case !given || text == "":
		case slices.Contains(elsewhere, f.Name):
			if !f.Changed {
				s.note(f.Name, Origin{Variable: variable})
			}
		default:
			failed = s.Set(flags, f.Name, Value{Items: []string{text}}, Origin{Variable: variable})
		}
	})
	return failed
}

// Stray is a variable that nobody reads, and the one that was probably meant.
type Stray struct{ Variable, Meant string }

// Strays are the variables of an environment that begin as ours do, that nobody reads, and that are
// spelt almost as one that is read. Others are left alone: an orchestrator makes some of its own
// for a service that is called arc4.
func Strays(environment, read []string) []Stray {
	var list []Stray
	names := make([]string, len(read))
	for i, variable := range read {
		names[i] = strings.TrimPrefix(variable, Prefix)
	}
	for _, entry := range environment {
		variable, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(variable, Prefix) || slices.Contains(read, variable) {
			continue
		}
		typed := strings.TrimPrefix(variable, Prefix)
		if meant := cmdline.Nearest(typed, names); meant != "" && len(meant) <= len(typed)+2 {
			list = append(list, Stray{variable, Prefix + meant})
		}
	}
	return list
}
