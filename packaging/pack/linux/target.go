package main

import (
	"fmt"
	"slices"
	"strings"
)

// target is an architecture as nfpm calls it, and the formats of the distributions that have it.
type target struct {
	arch          string
	goarch, goarm string
	formats       []string
}

var targets = []target{
	{"amd64", "amd64", "", []string{"deb", "rpm", "apk", "archlinux"}},
	{"arm64", "arm64", "", []string{"deb", "rpm", "apk", "archlinux"}},
	{"arm7", "arm", "7", []string{"deb", "rpm", "apk", "archlinux"}}, // armhf, armv7hl, armv7, armv7h
	{"arm6", "arm", "6", []string{"apk"}},                            // Alpine's armhf
	{"arm5", "arm", "5", []string{"deb"}},                            // armel
	{"386", "386", "", []string{"deb", "rpm", "apk"}},
	{"mipsle", "mipsle", "", []string{"deb"}},
	{"mips64le", "mips64le", "", []string{"deb"}},
	{"riscv64", "riscv64", "", []string{"deb", "rpm", "apk"}},
}

// architectures are the names of all.
func architectures() (names []string) {
	for _, t := range targets {
		names = append(names, t.arch)
	}
	return names
}

// chosen are the targets of these names, with these formats; all of them where none is named.
func chosen(arches, formats []string) ([]target, error) {
	for _, f := range formats {
		if !slices.ContainsFunc(targets, func(t target) bool { return slices.Contains(t.formats, f) }) {
			return nil, fmt.Errorf("-format %s: must be one of %s", f, strings.Join(targets[0].formats, ", "))
		}
	}
	for _, a := range arches {
		if !slices.Contains(architectures(), a) {
			return nil, fmt.Errorf("-arch %s: must be one of %s", a, strings.Join(architectures(), ", "))
		}
	}
	var list []target
	for _, t := range targets {
		if len(arches) > 0 && !slices.Contains(arches, t.arch) {
			continue
		}
		if len(formats) > 0 {
			t.formats = slices.DeleteFunc(slices.Clone(t.formats), func(f string) bool { return !slices.Contains(formats, f) })
		}
		if len(t.formats) > 0 {
			list = append(list, t)
		}
	}
	if list == nil {
		return nil, fmt.Errorf("no distribution of %s has packages of the form %s", strings.Join(arches, ", "), strings.Join(formats, ", "))
	}
	return list, nil
}

// formatsOf are the formats of any of the targets, in the order of the first of all.
func formatsOf(list []target) (formats []string) {
	for _, f := range targets[0].formats {
		if slices.ContainsFunc(list, func(t target) bool { return slices.Contains(t.formats, f) }) {
			formats = append(formats, f)
		}
	}
	return formats
}

// buildArguments are those of tools/build for the target.
func (t *target) buildArguments() []string {
	return []string{"-goos", "linux", "-goarch", t.goarch, "-goarm", t.goarm}
}

// environment is what the go command finds in its environment besides: Debian's i386 and Alpine's
// x86 run on processors without SSE2.
func (t *target) environment() []string {
	if t.goarch == "386" {
		return []string{"GO386=softfloat"}
	}
	return nil
}
