package main

import (
	"os"
	"regexp"
	"strings"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/cmdline"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
)

const backendUsage = "`NAME` of the RC4 backend; auto measures and takes the fastest (arc4 backends lists them)"

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
var packageNames = regexp.MustCompile(`(^|: )(?:arc4|mppe|ppp|reorder|tunnel): `)

// bare is an error's text without the names of the packages it comes from, for readers who know
// flags and not packages.
func bare(err error) string { return packageNames.ReplaceAllString(err.Error(), "$1") }
