//go:build noprofiles

package main

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel"
)

// readProfile is not called: readGiven has said that there are no profiles.
func readProfile(*cobra.Command, *given, string, string) error { return nil }

func isProfile(string) bool { return false }

func killedRuns() []string { return nil }

var completeProfiles = clidoc.CompleteFiles

func newProfileTopic(_, _ *cobra.Command, _ *pflag.FlagSet) *cobra.Command {
	return newAbsentCmd("profile", "profiles")
}

// saver writes no profile.
type saver struct{}

func (f *connectFlags) newSaver(cmd *cobra.Command, _ string, _ func() string) (*saver, error) {
	if cmd.Flags().Changed("save") {
		return nil, exit.Usagef("--save %s: this build writes no profiles (build tag noprofiles)", f.save)
	}
	return nil, nil
}

func (*saver) save() {}

// readiness tells nobody.
type readiness struct{}

func newReadiness(context.Context) *readiness { return nil }

func (*readiness) up(string, ...any)                          {}
func (*readiness) follow(*tunnel.ClientConfig, func() string) {}
func (*readiness) reloading(again func()) func()              { return again }
func (*readiness) stopping(undo func()) func()                { return undo }
func (g *given) claim(context.Context) (func(), error)        { return func() {}, nil }

func newImportCmd() *cobra.Command { return newAbsentCmd("import", "profiles") }
