// Package malta boots the emulated router of interop/router: QEMU's Malta board with a MIPS
// processor, Debian's kernel for it, and a squashfs root in which real peers run.
package malta

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// archiveUnreachable is build.sh's exit status when it could fetch no packages.
const archiveUnreachable = 3

// UnavailableError says what this machine lacks to emulate a router.
type UnavailableError struct{ Lacks string }

func (e UnavailableError) Error() string {
	return "the emulated router needs " + e.Lacks + "; see interop/router/README.md"
}

// Router is what a guest is booted from.
type Router struct {
	interop string // the repository's folder of that name
	dir     string // kernel, initrd, root and kpptp.so
}

// Prepare makes the router's kernel and root of Debian's packages, which takes a minute, or takes
// those of the last time. root is the repository's. An [UnavailableError] says that this machine
// cannot.
func Prepare(ctx context.Context, root string) (*Router, error) {
	if lacks := lacking(); len(lacks) > 0 {
		return nil, UnavailableError{strings.Join(lacks, ", ")}
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	r := &Router{interop: filepath.Join(root, "interop"), dir: os.Getenv("ROUTER_BUILD")}
	if r.dir == "" {
		r.dir = filepath.Join(root, "build", "router")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(r.interop, "router", "build.sh"))
	cmd.Env = append(os.Environ(), "ROUTER_BUILD="+r.dir)
	var said bytes.Buffer
	cmd.Stderr = &said
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == archiveUnreachable {
		return nil, UnavailableError{"Debian's package archive: " + strings.TrimSpace(said.String())}
	}
	if err != nil {
		return nil, fmt.Errorf("interop/router/build.sh: %w\n%s", err, said.String())
	}
	return r, nil
}

// lacking lists what build.sh and QEMU need and this machine has not.
func lacking() []string {
	var lacks []string
	if os.Geteuid() != 0 {
		lacks = append(lacks, "root")
	}
	if runtime.GOOS != "linux" {
		return append(lacks, "Debian")
	}
	for _, program := range []string{"qemu-system-mipsel", "mksquashfs", "cpio", "mipsel-linux-gnu-gcc", "depmod", "dpkg-deb", "apt-get", "flock"} {
		if _, err := exec.LookPath(program); err != nil {
			lacks = append(lacks, program)
		}
	}
	return lacks
}
