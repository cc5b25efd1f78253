package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/arc4tun/arc4tun/internal/features"
)

// target is what is built, and for which machine.
type target struct {
	goos, goarch, goarm string
	goroot              string
	router              bool
	symbols             bool
	version             string
	output              string
	packages            []string // instead of cmd/arc4
}

// complete fills in what was not given, by what the go command says.
func (t *target) complete(goEnv func(name string) (string, error)) error {
	if t.router && t.goos == "" {
		t.goos = "linux"
	}
	for name, value := range map[string]*string{"GOOS": &t.goos, "GOARCH": &t.goarch, "GOROOT": &t.goroot} {
		if *value != "" {
			continue
		}
		var err error
		if *value, err = goEnv(name); err != nil {
			return err
		}
	}
	switch {
	case t.goarm != "" && t.goarch != "arm":
		return fmt.Errorf("-goarm %s: is for -goarch arm, and this is %s", t.goarm, t.goarch)
	case t.goarm != "" && !slices.Contains([]string{"5", "6", "7"}, t.goarm):
		return fmt.Errorf("-goarm %s: must be 5, 6 or 7", t.goarm)
	case t.goarm == "" && t.goarch == "arm" && t.router:
		t.goarm = "5" // runs on all of them, with floating point in software
	}
	if len(t.packages) > 0 {
		return nil
	}
	t.packages = []string{"./cmd/arc4"}
	if t.output == "" {
		name := "arc4-" + t.goarch
		if t.router {
			name = "arc4-router-" + t.goarch
		}
		t.output = filepath.Join("bin", name)
	}
	return nil
}

// supported refuses a target that this Go has not, and names its processors for that system.
func (t *target) supported(platforms func() ([]string, error)) error {
	list, err := platforms()
	if err != nil || slices.Contains(list, t.goos+"/"+t.goarch) {
		return err
	}
	var known []string
	for _, p := range list {
		if arch, ours := strings.CutPrefix(p, t.goos+"/"); ours {
			known = append(known, arch)
		}
	}
	if known == nil {
		return fmt.Errorf("GOOS=%s: is no system that Go builds for; `go tool dist list` has all", t.goos)
	}
	return fmt.Errorf("GOARCH=%s: is no processor that Go builds for on %s; give one of %s", t.goarch, t.goos, strings.Join(known, ", "))
}

// isMIPS reports whether the target is Linux on a MIPS of any size and byte order.
func (t *target) isMIPS() bool {
	return t.goos == "linux" && strings.HasPrefix(t.goarch, "mips")
}

// environment is what the go command finds in its environment besides.
func (t *target) environment() []string {
	env := []string{"CGO_ENABLED=0", "GOOS=" + t.goos, "GOARCH=" + t.goarch}
	if t.router {
		env = append(env, "GOWORK=off")    // -modfile is not for workspaces
		env = append(env, "GOFIPS140=off") // leanstd.go takes that out
	}
	switch t.goarch {
	case "mips", "mipsle":
		env = append(env, "GOMIPS=softfloat") // no router's MIPS has floating point
	case "mips64", "mips64le":
		env = append(env, "GOMIPS64=softfloat")
	case "arm":
		if t.goarm != "" {
			env = append(env, "GOARM="+t.goarm)
		}
	}
	return env
}

// arguments are the go command's, with those for what was prepared.
func (t *target) arguments(prepared []string) []string {
	var link []string
	if !t.symbols {
		link = append(link, "-s", "-w")
	}
	if t.version != "" {
		link = append(link, "-X", "main.version="+t.version)
	}
	link = append(link, t.linkSmaller()...)
	args := []string{"build", "-trimpath", "-ldflags", strings.Join(link, " ")}
	if t.router {
		args = append(args, compileSmaller()...)
		args = append(args, "-tags", strings.Join(features.RouterTags(), ","))
	}
	args = append(args, prepared...)
	if t.output != "" {
		args = append(args, "-o", t.output)
	}
	return append(args, t.packages...)
}
