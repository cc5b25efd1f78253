package main

import (
	"fmt"
	"os/exec"
	"strings"
)

// target is an architecture that qemu-user emulates.
type target struct {
	arch      string
	emulator  string // its name, or its path once found
	processor string // qemu's name of a processor that has all that a backend uses
	env       []string
	// core makes a model of an in-order core: a function that is given every
	// instruction executed and says how many cycles that waits; nil if there is none.
	core func() func(instruction uint32) int
}

var targets = []target{
	{arch: "mips", emulator: "qemu-mips", processor: "74Kf", env: []string{"GOMIPS=softfloat"}, core: new24K},
	{arch: "mipsle", emulator: "qemu-mipsel", processor: "74Kf", env: []string{"GOMIPS=softfloat"}, core: new24K},
	{arch: "arm64", emulator: "qemu-aarch64", processor: "max"},
	{arch: "arm", emulator: "qemu-arm", processor: "max", env: []string{"GOARM=7"}},
}

func architectures() []string {
	var all []string
	for _, t := range targets {
		all = append(all, t.arch)
	}
	return all
}

// targetFor finds the target called arch and its emulator.
func targetFor(arch string) (target, error) {
	for _, t := range targets {
		if t.arch != arch {
			continue
		}
		t.env = append([]string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + arch}, t.env...)
		for _, name := range []string{t.emulator + "-static", t.emulator} {
			if path, err := exec.LookPath(name); err == nil {
				t.emulator = path
				return t, nil
			}
		}
		return t, fmt.Errorf("no %s-static in PATH (apt-get install qemu-user-static)", t.emulator)
	}
	return target{}, fmt.Errorf("-arch %q is unknown; it is one of %s", arch, strings.Join(architectures(), ", "))
}
