package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Go's runtime·usleep is wrong on MIPS up to and including Go 1.26: it takes off the whole seconds
// as milliseconds, and hands the microseconds that are left to nanosleep as nanoseconds, so that
// every thread that pauses polls (doc/go-mips-usleep.md). What is judged here is what the
// instructions do, not which release they are from.

// wordSize is the size of a register and of each half of a timespec, in bytes.
type wordSize int

const (
	word32 wordSize = 4
	word64 wordSize = 8
)

// usleep's instructions as they are known to be wrong.
var (
	faulty32 = []string{
		"MOVW usec+0(FP), R3", "MOVW R3, R5", "MOVW $1000000, R4", "DIVU R4, R3", "MOVW LO, R3", "MOVW R3, 24(R29)",
		"MOVW $1000, R4", "MULU R3, R4", "MOVW LO, R4", "SUBU R4, R5", "MOVW R5, 28(R29)",
		"ADDU $24, R29, R4", "MOVW $0, R5", "MOVW $SYS_nanosleep, R2", "SYSCALL", "RET",
	}
	faulty64 = []string{
		"MOVWU usec+0(FP), R3", "MOVV R3, R5", "MOVW $1000000, R4", "DIVVU R4, R3", "MOVV LO, R3", "MOVV R3, 8(R29)",
		"MOVW $1000, R4", "MULVU R3, R4", "MOVV LO, R4", "SUBVU R4, R5", "MOVV R5, 16(R29)",
		"ADDV $8, R29, R4", "MOVW $0, R5", "MOVV $SYS_nanosleep, R2", "SYSCALL", "RET",
	}
)

// lookAt is the remedy in every error: what the reader has to do.
const lookAt = "look whether its runtime·usleep gives nanosleep usec/1000000 seconds and usec%1000000*1000 nanoseconds, and teach tools/build/usleep.go its instructions"

// mendedRuntime writes a mended copy of the toolchain's file with usleep in it into dir, and
// returns what it stands for, for an overlay: nothing where the toolchain needs no mending.
func mendedRuntime(t target, dir string) (map[string]string, error) {
	replace := map[string]string{}
	if !t.isMIPS() {
		return replace, nil
	}
	name, word := "sys_linux_mipsx.s", word32
	if strings.HasPrefix(t.goarch, "mips64") {
		name, word = "sys_linux_mips64x.s", word64
	}
	original := filepath.Join(t.goroot, "src", "runtime", name)
	source, err := os.ReadFile(original)
	if err != nil {
		return nil, err
	}
	mended, err := mendUsleep(string(source), word)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", original, err)
	}
	if mended == string(source) {
		return replace, nil
	}
	replace[original] = filepath.Join(dir, name)
	return replace, os.WriteFile(replace[original], []byte(mended), 0o644)
}

// mendUsleep returns the source of the runtime's system calls with usleep mended, or as it is if
// usleep is right. The error says what is not known in it.
func mendUsleep(source string, word wordSize) (string, error) {
	lines := strings.SplitAfter(source, "\n")
	from, to, err := findUsleep(lines)
	if err != nil {
		return "", err
	}
	right, err := sleepsRight(instructions(lines[from:to]), word)
	if err != nil {
		return "", fmt.Errorf("%w; %s", err, lookAt)
	}
	if right {
		return source, nil
	}
	known := faulty32
	if word == word64 {
		known = faulty64
	}
	if !slices.Equal(instructions(lines[from:to]), known) {
		return "", fmt.Errorf("usleep is wrong in a way that is not known; %s", lookAt)
	}
	mended := slices.Concat(lines[:from], mendLines(lines[from:to], word), lines[to:])
	if right, err := sleepsRight(instructions(mendLines(lines[from:to], word)), word); err != nil || !right {
		return "", fmt.Errorf("usleep is wrong after it was mended (%v); %s", err, lookAt)
	}
	return strings.Join(mended, ""), nil
}

// mendLines changes two things in the known instructions: the seconds are taken off as
// microseconds, and the rest is made nanoseconds before it is stored.
func mendLines(lines []string, word wordSize) []string {
	multiply, low, store := "MULU\tR5, R4", "MOVW\tLO, R5", "MOVW R5, 28(R29)"
	if word == word64 {
		multiply, low, store = "MULVU\tR5, R4", "MOVV\tLO, R5", "MOVV R5, 16(R29)"
	}
	var mended []string
	for _, line := range lines {
		switch instruction(line) {
		case "MOVW $1000, R4":
			line = strings.Replace(line, "$1000", "$1000000", 1)
		case store:
			mended = append(mended, "\tMOVW\t$1000, R4\n", "\t"+multiply+"\n", "\t"+low+"\n")
		}
		mended = append(mended, line)
	}
	return mended
}

// findUsleep returns the lines of usleep: from its TEXT to the next one.
func findUsleep(lines []string) (from, to int, err error) {
	from = slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "TEXT runtime·usleep(SB)") })
	if from < 0 {
		return 0, 0, fmt.Errorf("there is no TEXT runtime·usleep(SB) in it; %s", lookAt)
	}
	to = len(lines)
	if n := slices.IndexFunc(lines[from+1:], func(l string) bool { return strings.HasPrefix(l, "TEXT ") }); n >= 0 {
		to = from + 1 + n
	}
	return from, to, nil
}

// instructions are the instructions of a function's lines, without its TEXT.
func instructions(lines []string) []string {
	var list []string
	for _, line := range lines[1:] {
		if i := instruction(line); i != "" {
			list = append(list, i)
		}
	}
	return list
}

// instruction is the instruction of a line with one blank between its words, without comment.
func instruction(line string) string {
	line, _, _ = strings.Cut(line, "//")
	return strings.Join(strings.Fields(line), " ")
}
