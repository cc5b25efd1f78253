package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/backendcache"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

const backendUsage = "`NAME` of the RC4 backend; auto measures and takes the fastest (arc4 backends lists them)"

const backendCacheUsage = "keep which backend was selected in `FILE`, so that the next start on this processor measures nothing"

// chosenBackend is the backend of a tunnel, and why it is that one.
type chosenBackend struct {
	*arc4.Backend
	why string
}

// chooseBackend finds the backend that --backend names, or that --backend-cache keeps in a file,
// which may be missing. A file that does not count is replaced; nothing about it is an error, since
// a tunnel is worth more than a tenth of a second.
func chooseBackend(name, cache string, log *slog.Logger) (chosenBackend, error) {
	if cache == "" {
		return selectBackend(name)
	}
	if err := checkBackendCache(name, cache); err != nil {
		return chosenBackend{}, err
	}
	key, err := backendcache.Here(versionString())
	if err != nil {
		log.Warn("the selected backend cannot be kept", "error", err)
		return selectBackend(name)
	}
	b, err := cachedBackend(cache, key)
	if err == nil {
		return chosenBackend{b, "--backend-cache " + cache}, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		log.Warn("--backend-cache does not count, measuring anew", "error", bare(err))
	}
	chosen, err := selectBackend(name)
	if err == nil {
		if err := backendcache.Store(cache, key, chosen.Name()); err != nil {
			log.Warn("the selected backend cannot be kept", "error", err)
		}
	}
	return chosen, err
}

// selectBackend finds the backend that --backend names.
func selectBackend(name string) (chosenBackend, error) {
	b, err := lookupBackend(name)
	if err != nil {
		return chosenBackend{}, err
	}
	return chosenBackend{b, backendReason(b, name)}, nil
}

// cachedBackend is the backend that a file keeps. It has passed its self-test here and now.
func cachedBackend(path string, key backendcache.Key) (*arc4.Backend, error) {
	name, err := backendcache.Load(path, key)
	if err != nil {
		return nil, err
	}
	b, err := arc4.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// checkBackendCache says what would leave --backend-cache without effect.
func checkBackendCache(name, cache string) error {
	if name != "" && name != "auto" {
		return exit.Usagef("--backend-cache %s: has no effect with --backend %s: leave one of them out", cache, name)
	}
	if named := os.Getenv(arc4.Environment); named != "" && named != "auto" {
		return exit.Usagef("--backend-cache %s: has no effect with %s=%s: leave one of them out", cache, arc4.Environment, named)
	}
	return nil
}

// backendReason says why this RC4 works for a tunnel.
func backendReason(b *arc4.Backend, asked string) string {
	if asked == "" || asked == "auto" {
		if selected, why := arc4.Selected(); selected == b {
			return why
		}
	}
	return "--backend " + asked
}

// lookupBackend finds the backend that --backend names. What cannot run on this machine is no
// choice, so the error names those that can.
func lookupBackend(name string) (*arc4.Backend, error) {
	b, err := arc4.Lookup(name)
	if err == nil {
		return b, nil
	}
	asked := "--backend " + name
	if name == "" || name == "auto" {
		asked = arc4.Environment + "=" + os.Getenv(arc4.Environment)
	}
	// The list of all names ever is for programmers.
	reason, _, _ := strings.Cut(bare(err), ", known are ")
	return nil, exit.Usagef("%s: %s; give %s", asked, strings.TrimPrefix(reason, asked+": "), cmdline.AnyOf(usableBackends()))
}

// usableBackends are the names that --backend takes on this machine.
func usableBackends() []string {
	names := []string{"auto"}
	for _, b := range arc4.Backends() {
		if b.SelfTest() == nil {
			names = append(names, b.Name())
		}
	}
	return names
}

// packageNames are those of this project's packages where they stand before an error.
var packageNames = []string{"arc4", "mppe", "ppp", "reorder", "tunnel"}

// bare is an error's text without the names of the packages it comes from, for readers who know
// flags and not packages.
func bare(err error) string {
	parts := strings.Split(err.Error(), ": ")
	last := len(parts) - 1
	kept := slices.DeleteFunc(parts[:last:last], func(p string) bool { return slices.Contains(packageNames, p) })
	return strings.Join(append(kept, parts[last]), ": ")
}
