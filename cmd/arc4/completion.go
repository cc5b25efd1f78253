package main

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/tunnel/status"
)

const completionLong = `completion writes a script that makes a shell complete this program's commands, flags and their values. With
--no-descriptions it offers the words alone.

    bash        needs the package bash-completion
    zsh         the directory must be one of $fpath, and compinit must run after it is set
    fish        nothing else
    powershell  PowerShell 5 or newer`

const completionExample = `  source <(arc4 completion bash)                               # this bash, now
  arc4 completion bash > /etc/bash_completion.d/arc4           # every bash from now on
  arc4 completion zsh > /usr/local/share/zsh/site-functions/_arc4
  arc4 completion fish > ~/.config/fish/completions/arc4.fish
  arc4 completion powershell | Out-String | Invoke-Expression  # this PowerShell, now`

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

func shellNames() []string {
	var names []string
	for _, s := range shells {
		names = append(names, s.name)
	}
	return names
}

func newCompletionCmd() *cobra.Command {
	var bare bool
	cmd := &cobra.Command{
		Use:       "completion " + strings.Join(shellNames(), "|"),
		Short:     "Write a shell's completion script",
		Long:      completionLong,
		Example:   completionExample,
		ValidArgs: shellNames(),
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usageError("no shell: give %s", anyOf(shellNames()))
			case len(args) > 1:
				return usageError("%q: one shell at a time", args[1])
			case !slices.Contains(shellNames(), args[0]):
				return usageError("unknown shell %q: give %s", args[0], anyOf(shellNames()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			at := slices.Index(shellNames(), args[0])
			return shells[at].write(cmd.Root(), cmd.OutOrStdout(), !bare)
		},
	}
	cmd.Flags().BoolVar(&bare, "no-descriptions", false, "leave the descriptions of what is offered out")
	return cmd
}

// anyOf lists words for a sentence: "a, b or c".
func anyOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// completeFiles offers files, for flags that name one: for all others nothing is offered unless
// somebody says what.
func completeFiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// completeStatusSocket offers what --status-socket knows beside files.
func completeStatusSocket(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{cobra.CompletionWithDesc("none", "no socket")}, cobra.ShellCompDirectiveDefault
}

// completeSockets offers the sockets of this user's tunnels, else files.
func completeSockets(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	sockets, err := status.List(status.DefaultDir())
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault // no place to complain in
	}
	return sockets, cobra.ShellCompDirectiveDefault
}

// completeList offers words for a flag that takes several with commas between them: those not named
// yet. No blank follows, for a comma may.
func completeList(words ...string) cobra.CompletionFunc {
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

// plainUsages takes the marks of values out of the descriptions of flags, which a shell would show.
func plainUsages(cmd *cobra.Command) {
	plain := func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") }
	cmd.Flags().VisitAll(plain)
	cmd.PersistentFlags().VisitAll(plain)
	for _, sub := range cmd.Commands() {
		plainUsages(sub)
	}
}

// flagOffers are what is offered for flags by their name, which means the same with every command.
var flagOffers = map[string]cobra.CompletionFunc{
	"auth":          completeList("mschapv2", "chap-md5", "pap"),
	"password-file": completeFiles,
	"secrets":       completeFiles,
	"status-socket": completeStatusSocket,
}

// addCompletion offers values for the flags of cmd and of all commands below it, unless the command
// has said what to offer: the words of a flag that takes one of a few, and files where a file is
// wanted.
func addCompletion(cmd *cobra.Command) {
	complete := func(f *pflag.Flag) {
		var offer cobra.CompletionFunc
		if c, ok := f.Value.(*choice); ok {
			offer = cobra.FixedCompletions(c.allowed, cobra.ShellCompDirectiveNoFileComp)
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
		addCompletion(sub)
	}
}
