// Command build builds arc4 for a target.
//
//	go run ./tools/build -goarch mipsle -router -version v1.2.3
//	go run ./tools/build -goarch arm -goarm 7 -router -o arc4
//	go run ./tools/build -goarch mips ./...
//	go run ./tools/build -goarch mips -overlay-only DIR
//
// The binary is static, and there are no paths of this machine in it. With -router it has what is
// needed on a router, see internal/features, a leaner cobra, see leancobra.go, and less of the
// standard library, see leanstd.go. For MIPS the toolchain's usleep is mended on the way, where it
// has to be, see usleep.go: nothing is written below GOROOT. Build systems that call the go command
// themselves get what its -overlay takes for that with -overlay-only, DIR/overlay.json; there is
// none where nothing is to be mended.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

func main() {
	var t target
	flag.StringVar(&t.goos, "goos", "", "operating `system` to build for (default: as go env says; linux with -router)")
	flag.StringVar(&t.goarch, "goarch", "", "`architecture` to build for (default: as go env says)")
	flag.StringVar(&t.goarm, "goarm", "", "`version` of arm, 5, 6 or 7 (default: 5 with -router, else as go env says)")
	flag.BoolVar(&t.router, "router", false, "leave out what is not needed on a router")
	flag.BoolVar(&t.symbols, "symbols", false, "keep symbols and DWARF, for profiles")
	flag.StringVar(&t.version, "version", "", "`version` that arc4 version prints (default: what Go finds in git)")
	flag.StringVar(&t.output, "o", "", "`file` to write (default: bin/arc4-GOARCH, bin/arc4-router-GOARCH with -router)")
	overlayOnly := flag.String("overlay-only", "", "write the overlay for go build into this `folder`, and build nothing")
	flag.Parse()
	t.packages = flag.Args()
	if err := run(t, *overlayOnly); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

// run builds for the target, or writes its overlay into a folder if one is given.
func run(t target, overlayOnly string) error {
	if err := t.complete(goEnv); err != nil {
		return err
	}
	if err := t.supported(goPlatforms); err != nil {
		return err
	}
	if overlayOnly != "" {
		replace, err := mendedRuntime(t, overlayOnly)
		if err != nil {
			return err
		}
		_, err = writeOverlay(replace, overlayOnly)
		return err
	}
	dir, err := os.MkdirTemp("", "arc4-build")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	prepared, err := prepare(t, dir)
	if err != nil {
		return err
	}
	cmd := exec.Command("go", t.arguments(prepared)...)
	cmd.Env = append(os.Environ(), t.environment()...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s go build of %s: %w", strings.Join(t.environment(), " "), strings.Join(t.packages, " "), err)
	}
	return nil
}

// goPlatforms are the go command's targets, each as GOOS/GOARCH.
func goPlatforms() ([]string, error) {
	out, err := exec.Command("go", "tool", "dist", "list").Output()
	if err != nil {
		return nil, fmt.Errorf("go tool dist list: %w", err)
	}
	return strings.Fields(string(out)), nil
}

// goEnv is a variable of the go command, as it is for this module.
func goEnv(name string) (string, error) {
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		return "", fmt.Errorf("go env %s: %w", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}
