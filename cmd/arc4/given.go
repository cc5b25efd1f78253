package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/settings"
)

// serverVariable is the environment variable that stands for connect's argument.
const serverVariable = settings.Prefix + "SERVER"

// given are the values of connect or serve that do not stand on the command line: they are brought
// into its flags before it runs. What is on the command line comes first, then the environment,
// then a profile.
type given struct {
	settings.Settings
	profile string // the profile's name, of connect; empty: there is none
	file    string // its path

	server     string // the argument of connect
	serverFrom settings.Origin
	password   *string // out of the profile
}

// ranks of where a value comes from.
const (
	rankFile = iota
	rankEnvironment
	rankCommandLine
)

func rankOf(o settings.Origin) int {
	switch {
	case o.Variable != "":
		return rankEnvironment
	case o.File != "":
		return rankFile
	}
	return rankCommandLine
}

// environment takes the values of the flags' variables. Who reads ARC4_BACKEND is the package arc4.
func (g *given) environment(cmd *cobra.Command) error {
	if err := g.Environment(cmd.Flags(), os.LookupEnv, "backend"); err != nil {
		return err
	}
	if cmd.Name() != "connect" {
		return nil
	}
	if s := os.Getenv(serverVariable); s != "" {
		g.server, g.serverFrom = s, settings.Origin{Variable: serverVariable}
	}
	file, fromEnvironment := g.Origin("password-file")
	if _, given := os.LookupEnv(passwordVariable); given && fromEnvironment {
		return exit.Usagef("%s and %s exclude each other: set one of them", file.Variable, passwordVariable)
	}
	return nil
}

// socketName is what the status socket of a client is called; profile may be empty.
func socketName(profile string) string {
	if profile == "" {
		return "connect"
	}
	return "connect-" + profile
}

// argument is the server of connect: on the command line, or where else it is given.
func (g *given) argument(args []string) (string, error) {
	switch {
	case len(args) == 1:
		g.serverFrom = settings.Origin{}
		return args[0], nil
	case g.server != "":
		return g.server, nil
	case g.file != "":
		return "", exit.Usagef(`%s: no server: add server = "vpn.example.net"`, g.file)
	}
	return "", exit.Usagef("no server: give SERVER or SERVER:PORT, such as vpn.example.net")
}

// warnOfStrays tells of variables that probably were to set a flag, and set none.
func warnOfStrays(cmd *cobra.Command, log *slog.Logger) {
	read := []string{passwordVariable, proxyPasswordVariable, serverVariable, arc4.Environment}
	for _, name := range []string{"connect", "serve"} {
		if other, _, err := cmd.Root().Find([]string{name}); err == nil {
			other.Flags().VisitAll(func(f *pflag.Flag) { read = append(read, settings.Variable(f.Name)) })
		}
	}
	for _, stray := range settings.Strays(os.Environ(), read) {
		log.Warn("a variable of the environment that no flag has", "variable", stray.Variable, "did_you_mean", stray.Meant)
	}
}

// user is who logs in, out of USER@SERVER and --user: the one that counts for more. Both from one
// place are a mistake.
func (g *given) user(flags *pflag.FlagSet, inServer, inFlag string) (string, error) {
	if !flags.Changed("user") {
		return inServer, nil
	}
	origin, _ := g.Origin("user")
	by, ofFlag := rankOf(g.serverFrom), rankOf(origin)
	switch {
	case by > ofFlag:
		return inServer, nil
	case by < ofFlag:
		return inFlag, nil
	case by == rankFile:
		return "", exit.Usagef("%s: user = %q: the server names the user already, as %q: leave one of them out", origin, inFlag, inServer+"@")
	}
	return "", exit.Usagef("the user is given twice, as %q and as %s: leave one of them out", inServer+"@", userFlag(by, inFlag))
}

func userFlag(rank int, name string) string {
	if rank == rankEnvironment {
		return fmt.Sprintf("%s=%q", settings.Variable("user"), name)
	}
	return fmt.Sprintf("--user %q", name)
}
