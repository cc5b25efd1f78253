package main

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
)

// everyCommand calls do for all commands and topics.
func everyCommand(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, sub := range cmd.Commands() {
		everyCommand(sub, do)
	}
}

func TestHelpFitsATerminal(t *testing.T) {
	everyCommand(newRoot(), func(cmd *cobra.Command) {
		help := documentation.Help(cmd, clidoc.UsualWidth)
		kept := append(strings.Split(cmd.Example, "\n"), clidoc.UsageLines(cmd)...)
		for _, b := range clidoc.ParseText(clidoc.Describe(cmd)) {
			kept = append(kept, b.Lines...)
		}
		for line := range strings.Lines(help) {
			line = strings.TrimSuffix(line, "\n")
			asIs := func(k string) bool { return strings.TrimSpace(k) == strings.TrimSpace(line) }
			if !slices.ContainsFunc(kept, asIs) && len(strings.Fields(line)) > 1 { // a long word stays whole
				assert.LessOrEqual(t, utf8.RuneCountInString(line), clidoc.UsualWidth, line)
			}
			assert.Equal(t, strings.TrimRight(line, " "), line)
		}
		words := func(text string) string { return strings.Join(strings.Fields(text), "") }
		assert.Contains(t, words(help), words(clidoc.Describe(cmd)), "wrapping changes nothing but blanks")
	})
}

// TestFlagsSayWhatTheyTake holds every flag's description to a form: no type of Go's for a value,
// no full stop.
func TestFlagsSayWhatTheyTake(t *testing.T) {
	everyCommand(newRoot(), func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			doc := clidoc.FlagDoc(f)
			if !strings.HasPrefix(clidoc.CommandName(cmd), "speed") { // whose words are its own
				assert.NotRegexp(t, `STRING|INT\b|UINT|WORD`, doc.Name)
			}
			assert.NotEmpty(t, doc.What)
			assert.False(t, strings.HasSuffix(doc.What, "."), doc.What)
		})
	})
}

func TestFlagDoc(t *testing.T) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	mode := "order"
	flags.String("empty", "", "`NAME` of it")
	flags.StringSlice("list", []string{"a", "b"}, "a `LIST`")
	flags.BoolP("bool", "b", false, "yes")
	flags.Var(cmdline.NewChoice(&mode, "order", "drop"), "mode", "`MODE` of it")
	flags.Duration("zero", 0, "none")
	assert.Equal(t, []clidoc.Entry{
		{Name: "-b, --bool", What: "yes"},
		{Name: "--empty NAME", What: "NAME of it"},
		{Name: "--list LIST", What: "a LIST (default a,b)"},
		{Name: "--mode MODE", What: "MODE of it (default order)"},
		{Name: "--zero DURATION", What: "none (default 0s)"},
	}, clidoc.FlagDocs(flags))
}
