package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

// newHelpCmd replaces cobra's help command, which ends with success when asked about something that
// does not exist.
func newHelpCmd() *cobra.Command {
	return &cobra.Command{
		Use:                   "help [COMMAND|TOPIC]",
		Short:                 "Help about a command or a topic",
		Example:               "  arc4 help speed\n  arc4 help exit-codes",
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			target, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return exit.Usagef(`unknown help topic %q: "arc4 help" lists the commands and topics`, strings.Join(args, " "))
			}
			if err := absentError(target); err != nil {
				return err
			}
			target.SetContext(cmd.Context())
			return target.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var names []cobra.Completion
			if target, _, err := cmd.Root().Find(args); err == nil {
				for _, sub := range target.Commands() {
					if sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
						names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}
