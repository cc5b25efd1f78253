package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker (-ldflags "-X main.version=v1.2.3") in release builds; else the
// build information that the Go toolchain stamps into the binary is used.
var version string

// versionString is the version of this binary.
func versionString() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func newVersionCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, the Go release, the platform, and what the build leaves out",
		Example: "  arc4 version",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "arc4 %s %s %s/%s\n%s", versionString(), runtime.Version(), runtime.GOOS, runtime.GOARCH, builtWithout())
			return err
		},
	}
}
