package cmdline

import (
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestList holds it against pflag's own.
func TestList(t *testing.T) {
	for name, args := range map[string][]string{
		"not given":     {},
		"one":           {"--list", "a"},
		"with commas":   {"--list", "a,b,c"},
		"repeated":      {"--list=a,b", "--list", "c"},
		"with blanks":   {"--list", "a, b"},
		"empty":         {"--list="},
		"and one":       {"--list=", "--list=a"},
		"nothing in it": {"--list", "a,,b"},
		"a comma":       {"--list", ","},
	} {
		t.Run(name, func(t *testing.T) {
			var ours, theirs []string
			flags, reference := pflag.NewFlagSet("", pflag.ContinueOnError), pflag.NewFlagSet("", pflag.ContinueOnError)
			flags.Var(NewList(&ours, "x", "y"), "list", "")
			reference.StringSliceVar(&theirs, "list", []string{"x", "y"}, "")
			require.NoError(t, flags.Parse(args))
			require.NoError(t, reference.Parse(args))
			assert.Equal(t, theirs, ours)
			assert.Equal(t, reference.Changed("list"), flags.Changed("list"))
			list := flags.Lookup("list").Value.(pflag.SliceValue)
			require.NoError(t, list.Append("z"))
			assert.Equal(t, append(theirs, "z"), list.GetSlice())
			require.NoError(t, list.Replace([]string{"q"}))
			assert.Equal(t, []string{"q"}, ours)
		})
	}
	assert.Empty(t, new(List).String(), "as pflag asks for the zero value")
}
