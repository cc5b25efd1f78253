package clidoc

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// shells are those that scripts can be written for, each with the script's writer.
var shells = []struct {
	name  string
	write func(root *cobra.Command, out io.Writer, describe bool) error
}{
	{"bash", func(root *cobra.Command, out io.Writer, describe bool) error {
		return root.GenBashCompletionV2(out, describe)
	}},
	{"zsh", func(root *cobra.Command, out io.Writer, describe bool) error {
		if describe {
			return root.GenZshCompletion(out)
		}
		return root.GenZshCompletionNoDesc(out)
	}},
	{"fish", func(root *cobra.Command, out io.Writer, describe bool) error {
		return root.GenFishCompletion(out, describe)
	}},
	{"powershell", func(root *cobra.Command, out io.Writer, describe bool) error {
		if describe {
			return root.GenPowerShellCompletionWithDesc(out)
		}
		return root.GenPowerShellCompletion(out)
	}},
}

func ShellNames() []string {
	var names []string
	for _, s := range shells {
		names = append(names, s.name)
	}
	return names
}

// CompleteFiles offers files, for flags that name one: for all others nothing is offered unless
// somebody says what.
func CompleteFiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// CompleteList offers words for a flag that takes several with commas between them: those not named
// yet. No blank follows, for a comma may.
func CompleteList(words ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		head := typed[:strings.LastIndexByte(typed, ',')+1]
		given := strings.Split(head, ",")
		var offers []cobra.Completion
		for _, w := range words {
			if !slices.Contains(given, w) {
				offers = append(offers, head+w)
			}
		}
		return offers, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}

// PlainUsages takes the marks of values out of the descriptions of flags, which a shell would show.
func PlainUsages(cmd *cobra.Command) {
	plain := func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") }
	cmd.Flags().VisitAll(plain)
	cmd.PersistentFlags().VisitAll(plain)
	for _, sub := range cmd.Commands() {
		PlainUsages(sub)
	}
}

// OfferValues offers values for the flags of cmd and of all commands below it, unless the command
// has said what to offer: the words of a flag that takes one of a few, and what flagOffers has for
// the name of others, which means the same with every command.
func OfferValues(cmd *cobra.Command, flagOffers map[string]cobra.CompletionFunc) {
	complete := func(f *pflag.Flag) {
		var offer cobra.CompletionFunc
		if c, ok := f.Value.(interface{ Words() []string }); ok {
			offer = cobra.FixedCompletions(c.Words(), cobra.ShellCompDirectiveNoFileComp)
		} else {
			offer = flagOffers[f.Name]
		}
		if _, done := cmd.GetFlagCompletionFunc(f.Name); done || offer == nil {
			return
		}
		if err := cmd.RegisterFlagCompletionFunc(f.Name, offer); err != nil {
			panic(err) // the flag is the command's own
		}
	}
	cmd.LocalFlags().VisitAll(complete)
	for _, sub := range cmd.Commands() {
		OfferValues(sub, flagOffers)
	}
}

// WriteCompletion writes a shell's script; describe has it show descriptions too.
func WriteCompletion(root *cobra.Command, shell string, out io.Writer, describe bool) error {
	at := slices.Index(ShellNames(), shell)
	return shells[at].write(root, out, describe)
}
