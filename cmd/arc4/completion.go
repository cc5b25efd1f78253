package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
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

func newCompletionCmd() *cobra.Command {
	var bare bool
	cmd := &cobra.Command{
		Use:       "completion " + strings.Join(clidoc.ShellNames(), "|"),
		Short:     "Write a shell's completion script",
		Long:      completionLong,
		Example:   completionExample,
		ValidArgs: clidoc.ShellNames(),
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return exit.Usagef("no shell: give %s", cmdline.AnyOf(clidoc.ShellNames()))
			case len(args) > 1:
				return exit.Usagef("%q: one shell at a time", args[1])
			case !slices.Contains(clidoc.ShellNames(), args[0]):
				return exit.Usagef("unknown shell %q: give %s", args[0], cmdline.AnyOf(clidoc.ShellNames()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return clidoc.WriteCompletion(cmd.Root(), args[0], cmd.OutOrStdout(), !bare)
		},
	}
	cmd.Flags().BoolVar(&bare, "no-descriptions", false, "leave the descriptions of what is offered out")
	return cmd
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

// flagOffers are what is offered for flags by their name, which means the same with every command.
var flagOffers = map[string]cobra.CompletionFunc{
	"backend-cache":       clidoc.CompleteFiles,
	"capture":             clidoc.CompleteFiles,
	"auth":                clidoc.CompleteList("mschapv2", "eap", "chap-md5", "pap"),
	"output":              clidoc.CompleteFiles,
	"password-file":       clidoc.CompleteFiles,
	"nt-hash-file":        clidoc.CompleteFiles,
	"write":               clidoc.CompleteFiles,
	"config":              clidoc.CompleteFiles,
	"profile":             completeProfiles,
	"secrets":             clidoc.CompleteFiles,
	"status-socket":       completeStatusSocket,
	"proxy-password-file": clidoc.CompleteFiles,
}
