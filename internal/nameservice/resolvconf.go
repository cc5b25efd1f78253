//go:build linux && !nodns

package nameservice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/arc4tun/arc4tun/internal/resolvconf"
)

// resolvconfProgram is resolvconf(8), Debian's or openresolv. The first takes no notice of -m and
// -x: it puts the servers of the entry first that comes first in its order.
type resolvconfProgram struct{ places places }

func (r *resolvconfProgram) set(ctx context.Context, e entry) error {
	args := []string{"-a", e.Name, "-m", "0"}
	if e.Only {
		args = append(args, "-x")
	}
	var text strings.Builder
	for _, a := range e.Servers {
		fmt.Fprintf(&text, "nameserver %v\n", a)
	}
	if search := e.search(); len(search) > 0 {
		fmt.Fprintf(&text, "search %s\n", strings.Join(search, " "))
	}
	return r.run(ctx, text.String(), args...)
}

func (r *resolvconfProgram) unset(ctx context.Context, e entry) error {
	return r.run(ctx, "", "-d", e.Name, "-f")
}

func (r *resolvconfProgram) intact() bool { return true }

// outside are the servers of all other entries.
func (r *resolvconfProgram) outside(e entry) (all []netip.Addr) {
	for _, dir := range r.places.interfaces {
		files, _ := os.ReadDir(dir) // one of the two is there
		for _, f := range files {
			if f.Name() != e.Name && f.Type().IsRegular() {
				all = append(all, resolvconf.Read(filepath.Join(dir, f.Name()))...)
			}
		}
	}
	return all
}

// run runs it with the umask that its files need: those who look names up read them.
func (r *resolvconfProgram) run(ctx context.Context, input string, args ...string) error {
	program, err := lookProgram()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", `umask 022; exec "$0" "$@"`, program}, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.Stdin = strings.NewReader(input)
	cmd.WaitDelay = undoTime
	said, err := cmd.CombinedOutput()
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) { // that is a service which it started, and which keeps its output
		line, _, _ := bytes.Cut(bytes.TrimSpace(said), []byte("\n"))
		return fmt.Errorf("%s %s: %w: %q", program, strings.Join(args, " "), err, line)
	}
	return nil
}

// prefix is what the name of an entry begins with so that it comes first: interface-order(5) goes
// by the names of interfaces, and a tunnel may be called as it likes.
func (p places) prefix() string {
	order, err := os.ReadFile(p.order)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(order)) {
		name, plain := strings.CutSuffix(strings.TrimSpace(line), "*")
		if plain && name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == "" {
			return name + "."
		}
	}
	return ""
}
