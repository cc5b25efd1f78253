package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/features"
)

// absentFeature is the annotation of a command that this build does not have: the feature's name.
const absentFeature = "absent feature"

// newAbsentCmd stands where a command would stand that a build tag has left out: whoever calls it,
// whatever follows, hears that instead of "unknown command".
func newAbsentCmd(use, feature string) *cobra.Command {
	return &cobra.Command{
		Use:                use,
		Hidden:             true,
		DisableFlagParsing: true,
		Annotations:        map[string]string{absentFeature: feature},
		RunE:               func(cmd *cobra.Command, _ []string) error { return absentError(cmd) },
	}
}

// absentError says that this build does not have cmd, and is nil if it has.
func absentError(cmd *cobra.Command) error {
	name := cmd.Annotations[absentFeature]
	at := slices.IndexFunc(features.All(), func(f features.Feature) bool { return f.Name == name })
	if at < 0 {
		return nil
	}
	return exit.Usagef(`built without: %s (build tag %s); "arc4 version" lists what this build has not`, cmd.CommandPath(), features.All()[at].Tag)
}

// builtWithout is what `arc4 version` says of a build that leaves something out; else it is empty.
func builtWithout() string {
	var list []string
	for _, f := range features.LeftOut() {
		list = append(list, f.Name+" ("+f.Tag+")")
	}
	if len(list) == 0 {
		return ""
	}
	return "built without: " + strings.Join(list, ", ") + "\n"
}

// withoutAbsent takes the examples of absent commands out of examples, which have a line each.
func withoutAbsent(examples string) string {
	var lines []string
	for line := range strings.Lines(examples) {
		ofAbsent := func(f features.Feature) bool {
			return slices.ContainsFunc(f.Commands(), func(command string) bool { return strings.HasPrefix(line, "  "+programName+" "+command+" ") })
		}
		if !slices.ContainsFunc(features.LeftOut(), ofAbsent) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}
