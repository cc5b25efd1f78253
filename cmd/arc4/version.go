package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/internal/usleep"
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
			return writeVersion(cmd.OutOrStdout(), usleep.Own())
		},
	}
}

// writeVersion writes what arc4 version prints.
func writeVersion(out io.Writer, sleep usleep.State) error {
	text := fmt.Sprintf("arc4 %s %s %s/%s\n", versionString(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	switch sleep {
	case usleep.Right:
		text += "Go's usleep: right\n"
	case usleep.Faulty:
		text += "Go's usleep: faulty, which costs a quarter of the processor; make router and make build mend it (doc/go-mips-usleep.md)\n"
	case usleep.Elsewhere:
	}
	_, err := io.WriteString(out, text+builtWithout())
	return err
}
