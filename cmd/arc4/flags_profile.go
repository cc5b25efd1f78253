package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/features"
)

// profileFlags are the flags of connect that are about profiles.
type profileFlags struct {
	profile string
	save    string
}

func (f *profileFlags) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.profile, "profile", "", "take what is not on the command line from the profile `NAME`: ~/.config/arc4/NAME.toml, else /etc/arc4/NAME.toml; or from the file of that path, if there is a / in it (arc4 help profile)")
	flags.StringVar(&f.save, "save", "", "when the tunnel is up, write what it came up with to a new profile `NAME`, with the password, in a file that nobody else may read")
}

// configUsage is what --config of serve does.
const configUsage = "take what is not on the command line from a `FILE`, whose keys are the names of the flags (arc4 help profile)"

// readGiven brings the values of the environment and of a file into the flags of cmd; flag is the
// one that names the file, and which its value.
func readGiven(cmd *cobra.Command, g *given, flag string, which *string) error {
	if err := g.environment(cmd); err != nil {
		return err
	}
	if !cmd.Flags().Changed(flag) {
		return nil
	}
	if !features.Profiles {
		return exit.Usagef("--%s %s: this build reads no profiles (build tag noprofiles); the environment works: ARC4_ and a flag's name", flag, *which)
	}
	return readProfile(cmd, g, flag, *which)
}
