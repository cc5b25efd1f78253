// Package mipscpu tells which instructions a MIPS processor has, from what
// Linux says of it.
package mipscpu

import (
	"strings"
)

// Features is what a processor has.
type Features struct {
	// Revision is that of the architecture MIPS32 or MIPS64: 1, 2, 3, 5 or 6;
	// 0 if Linux does not say.
	Revision int
	// DSP reports whether the application specific extension for signal processing
	// is there.
	DSP bool
}

// Of returns the features from the text of /proc/cpuinfo and from the auxiliary
// vector's AT_BASE_PLATFORM, each of which may be empty or of another
// architecture. Old kernels name the revision only in the first, and qemu-user
// only in the second. Of several processors it is what all have.
func Of(cpuinfo, basePlatform string) Features {
	var of Features
	isas, extensions := 0, 0
	for line := range strings.Lines(cpuinfo) {
		field, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(field) {
		case "isa":
			isas++
			revision := newest(strings.Fields(value))
			if isas == 1 || revision < of.Revision {
				of.Revision = revision
			}
		case "ASEs implemented":
			extensions++
			has := false
			for _, name := range strings.Fields(value) {
				has = has || name == "dsp"
			}
			of.DSP = has && (extensions == 1 || of.DSP)
		}
	}
	if of.Revision == 0 {
		of.Revision = newest([]string{basePlatform})
	}
	return of
}

// newest returns the newest revision among names such as "mips32r2", and 0 if
// there is none.
func newest(names []string) int {
	revision := 0
	for _, name := range names {
		for _, bits := range []string{"mips32", "mips64"} {
			of, ok := strings.CutPrefix(name, bits)
			if !ok {
				continue
			}
			switch of {
			case "", "r1":
				revision = max(revision, 1)
			case "r2", "r3", "r5", "r6":
				revision = max(revision, int(of[1]-'0'))
			}
		}
	}
	return revision
}
