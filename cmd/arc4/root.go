package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

const rootLong = `arc4 measures RC4 implementations on the machine where they will run, and carries IP through PPTP tunnels (RFC 2637)
in userspace, as client and as server, with the fastest of them.`

const rootExample = `  arc4 demo                                  # an encrypted tunnel on a link that reorders, in 15 seconds
  arc4 connect vpn.example.net --user alice  # a tunnel, until interrupted; asks for the password
  arc4 up office                             # the same in the background, out of /etc/arc4/office.toml
  arc4 down office                           # and its end; arc4 list shows what is up
  arc4 serve --listen 192.0.2.1 --local-ip 10.99.0.1 --pool 10.99.0.100-10.99.0.120 --secrets users
  arc4 check vpn.example.net                 # why it does not come up, and what to do
  arc4 status                                # what runs, and its counters
  arc4 trace                                 # what it says to its peers
  arc4 decrypt call.pcap -w plain.pcap --password-file secret  # the packets inside of a recorded call
  arc4 bugreport office                      # what it takes to find a fault, without secrets
  arc4 speed                                 # every backend, beside AES and crypto/rc4
  arc4 speed --seconds 1 u32 aes-128-cbc     # two of them, a second for each size
  arc4 backends                              # what there is, and what was selected
  arc4 help exit-codes                       # what the exit codes mean`

const programName = "arc4"

// newRoot builds the whole command tree. A new subcommand is one line in the list below.
func newRoot() *cobra.Command {
	var logs logOptions
	var version bool
	root := &cobra.Command{
		Use:           programName,
		Short:         "RC4 backends, measured, and a PPTP tunnel on top of them",
		Long:          rootLong,
		Example:       withoutAbsent(rootExample),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSuchCommand,
		RunE: func(cmd *cobra.Command, args []string) error {
			if version {
				_, err := fmt.Fprintln(cmd.OutOrStdout(), programName, versionString())
				return err
			}
			return showHelp(cmd, args)
		},
	}
	// Not cobra's own flag: a template would say what it prints, and the package for those keeps
	// methods in the binary that nobody calls (https://github.com/spf13/cobra/issues/1956).
	root.Flags().BoolVarP(&version, "version", "v", false, "print the version and exit")
	root.SetFlagErrorFunc(cmdline.Error)
	root.SetGlobalNormalizationFunc(cmdline.CurrentFlagName)
	logs.addFlags(root.PersistentFlags())
	connect, serve := newConnectCmd(), newServeCmd()
	root.AddCommand(
		connect,
		serve,
		newUpCmd(),
		newDownCmd(),
		newRestartCmd(),
		newListCmd(),
		newLogsCmd(),
		newImportCmd(),
		newCheckCmd(),
		newBugreportCmd(),
		newStatusCmd(),
		newTraceCmd(),
		newDecryptCmd(),
		newDemoCmd(),
		newSpeedCmd(),
		newBackendsCmd(),
		newManCmd(),
		newCompletionCmd(),
		newVersionCmd(),
		newNMServiceCmd(),
		newNMAuthDialogCmd(),
		newExitCodesTopic(),
		newProfileTopic(connect, serve, root.PersistentFlags()),
		newSecretsFileTopic(),
		newStatusFieldsTopic(),
	)
	root.SetHelpCommand(newHelpCmd())
	// A shell offers files for whatever nobody has said a word about; most flags want none.
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	clidoc.OfferValues(root, flagOffers)
	documentation.AddHelp(root)
	wrapRuns(root, &logs)
	return root
}

// noSuchCommand refuses any argument to a command that has subcommands only, with a suggestion
// where one is near.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	// Another program's word for a command says more than letters that are alike.
	for _, c := range cmd.Commands() {
		if slices.Contains(c.SuggestFor, args[0]) {
			return exit.Usagef(`unknown command %q: did you mean %s?`, args[0], c.Name())
		}
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return exit.Usagef(`unknown command %q: did you mean %s?`, args[0], strings.Join(near, " or "))
	}
	return exit.Usagef(`unknown command %q: "%s --help" lists the commands`, args[0], cmd.CommandPath())
}

// showHelp is what a command does that has subcommands only.
func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// noArguments refuses arguments to a command that has only flags.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return exit.Usagef(`%s takes no arguments: leave out %q, or see "%s --help"`, cmd.CommandPath(), strings.Join(args, " "), cmd.CommandPath())
}

// atMostOne refuses more than one of the named flags.
func atMostOne(cmd *cobra.Command, names ...string) error {
	var given []string
	for _, name := range names {
		if cmd.Flags().Changed(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) < 2 {
		return nil
	}
	return exit.Usagef("%s exclude each other: give one of them", strings.Join(given, " and "))
}

// wrapRuns gives every command below cmd its logger, and marks what a command itself returns with
// an exit code. Whatever error carries none was made by cobra before the command ran, and is a
// mistake in the command line.
func wrapRuns(cmd *cobra.Command, logs *logOptions) {
	for _, sub := range cmd.Commands() {
		wrapRuns(sub, logs)
	}
	if !cmd.Runnable() && cmd.HasSubCommands() {
		cmd.Args, cmd.RunE = noSuchCommand, showHelp
	}
	inner := cmd.RunE
	if inner == nil {
		return
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cmd.SetContext(withLogger(cmd.Context(), logs.logger(logOutputFrom(cmd.Context(), cmd.ErrOrStderr()))))
		if err := inner(cmd, args); err != nil {
			return exit.With(exit.CodeOf(err), err)
		}
		return nil
	}
}

// execute runs the command line and sorts cobra's own errors (arguments, required flags, flags that
// exclude each other) under usage.
func execute(ctx context.Context) error {
	root := newRoot()
	args := append(linkedAs(os.Args[0]), os.Args[1:]...)
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		clidoc.PlainUsages(root)
	}
	args, err := cmdline.OpensslSpelling(root, args)
	if err != nil {
		return err
	}
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	var coded *exit.Error
	if err == nil || errors.As(err, &coded) {
		return err
	}
	if config := cmd.Flag("config"); config != nil && config.Changed && strings.HasPrefix(err.Error(), "required flag") {
		return exit.Usagef(`%w, neither here nor in %s; see "%s --help"`, err, config.Value, cmd.CommandPath())
	}
	return exit.Usagef(`%w; see "%s --help"`, err, cmd.CommandPath())
}
