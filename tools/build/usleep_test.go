package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// source is a file of the runtime with this usleep between two neighbours.
func source(usleep string) string {
	return "TEXT runtime·exit(SB),NOSPLIT,$0-4\n\tSYSCALL\n\tRET\n\n" +
		"TEXT runtime·usleep(SB),NOSPLIT,$28-4\n" + usleep + "\n" +
		"TEXT runtime·gettid(SB),NOSPLIT,$0-4\n\tMOVW\t$SYS_gettid, R2\n\tSYSCALL\n\tRET\n"
}

const (
	faulty = `	MOVW	usec+0(FP), R3
	MOVW	R3, R5
	MOVW	$1000000, R4
	DIVU	R4, R3
	MOVW	LO, R3
	MOVW	R3, 24(R29)
	MOVW	$1000, R4
	MULU	R3, R4
	MOVW	LO, R4
	SUBU	R4, R5
	MOVW	R5, 28(R29)

	// nanosleep(&ts, 0)
	ADDU	$24, R29, R4
	MOVW	$0, R5
	MOVW	$SYS_nanosleep, R2
	SYSCALL
	RET
`
	mended = `	MOVW	usec+0(FP), R3
	MOVW	R3, R5
	MOVW	$1000000, R4
	DIVU	R4, R3
	MOVW	LO, R3
	MOVW	R3, 24(R29)
	MOVW	$1000000, R4
	MULU	R3, R4
	MOVW	LO, R4
	SUBU	R4, R5
	MOVW	$1000, R4
	MULU	R5, R4
	MOVW	LO, R5
	MOVW	R5, 28(R29)

	// nanosleep(&ts, 0)
	ADDU	$24, R29, R4
	MOVW	$0, R5
	MOVW	$SYS_nanosleep, R2
	SYSCALL
	RET
`
	faulty64Bit = `	MOVWU	usec+0(FP), R3
	MOVV	R3, R5
	MOVW	$1000000, R4
	DIVVU	R4, R3
	MOVV	LO, R3
	MOVV	R3, 8(R29)
	MOVW	$1000, R4
	MULVU	R3, R4
	MOVV	LO, R4
	SUBVU	R4, R5
	MOVV	R5, 16(R29)

	// nanosleep(&ts, 0)
	ADDV	$8, R29, R4
	MOVW	$0, R5
	MOVV	$SYS_nanosleep, R2
	SYSCALL
	RET
`
	mended64Bit = `	MOVWU	usec+0(FP), R3
	MOVV	R3, R5
	MOVW	$1000000, R4
	DIVVU	R4, R3
	MOVV	LO, R3
	MOVV	R3, 8(R29)
	MOVW	$1000000, R4
	MULVU	R3, R4
	MOVV	LO, R4
	SUBVU	R4, R5
	MOVW	$1000, R4
	MULVU	R5, R4
	MOVV	LO, R5
	MOVV	R5, 16(R29)

	// nanosleep(&ts, 0)
	ADDV	$8, R29, R4
	MOVW	$0, R5
	MOVV	$SYS_nanosleep, R2
	SYSCALL
	RET
`
	// Go could as well take the remainder that the division leaves in HI.
	byRemainder = `	MOVW	usec+0(FP), R3
	MOVW	$1000000, R4
	DIVU	R4, R3
	MOVW	LO, R5
	MOVW	R5, 8(R29)
	MOVW	HI, R5
	MOVW	$1000, R6
	MULU	R6, R5
	MOVW	LO, R5
	MOVW	R5, 12(R29)
	ADDU	$8, R29, R4
	MOVW	$0, R5
	MOVW	$SYS_nanosleep, R2
	SYSCALL
	RET
`
)

func TestMendUsleep(t *testing.T) {
	for _, test := range []struct {
		name, in, want string
		word           wordSize
	}{
		{"32 bits, faulty", faulty, mended, word32},
		{"32 bits, right", mended, mended, word32},
		{"32 bits, right in another way", byRemainder, byRemainder, word32},
		{"64 bits, faulty", faulty64Bit, mended64Bit, word64},
		{"64 bits, right", mended64Bit, mended64Bit, word64},
		{"commented otherwise", strings.Replace(faulty, "DIVU\tR4, R3", "DIVU\tR4,  R3\t// seconds", 1),
			strings.Replace(mended, "DIVU\tR4, R3", "DIVU\tR4,  R3\t// seconds", 1), word32},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := mendUsleep(source(test.in), test.word)
			require.NoError(t, err)
			require.Equal(t, source(test.want), got)
		})
	}
}

func TestMendUsleepUnknown(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"no usleep", strings.ReplaceAll(source(faulty), "usleep(SB)", "usleep1(SB)"), "no TEXT runtime·usleep(SB)"},
		{"wrong in another way", source(strings.Replace(mended, "MULU\tR5, R4", "MULU\tR3, R4", 1)), "wrong in a way that is not known"},
		{"faulty in other registers", source(strings.ReplaceAll(faulty, "R5", "R6")), "wrong in a way that is not known"},
		{"the halves exchanged", source(strings.NewReplacer("24(R29)", "28(R29)", "28(R29)", "24(R29)").Replace(mended)), "wrong in a way that is not known"},
		{"an unknown instruction", source(strings.Replace(faulty, "DIVU\tR4, R3", "SRL\t$20, R3", 1)), `"SRL $20, R3": an instruction that is not known`},
		{"another system call", source(strings.Replace(faulty, "$SYS_nanosleep", "$SYS_clock_nanosleep", 1)), `calls "$SYS_clock_nanosleep" and not nanosleep`},
		{"nothing stored", source(strings.Replace(mended, "MOVW\tR5, 28(R29)", "MOVW\tR5, R6", 1)), "gives nanosleep 24(R29), where nothing was stored"},
		{"an unset register", source(strings.Replace(faulty, "SUBU\tR4, R5", "SUBU\tR9, R5", 1)), `reads "R9", which has no known value`},
		{"a division by zero", source(strings.Replace(faulty, "$1000000", "$0", 1)), "divides by zero"},
		{"a jump", source(strings.Replace(faulty, "SYSCALL", "JMP\tfar", 1)), `"JMP far"`},
		{"empty", source(""), "and not nanosleep"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := mendUsleep(test.in, word32)
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, "teach tools/build/usleep.go")
			require.Empty(t, got)
		})
	}
}

// TestThisToolchain: this toolchain's own files are either right or can be mended, and are not
// touched.
func TestThisToolchain(t *testing.T) {
	root, err := goEnv("GOROOT")
	require.NoError(t, err)
	for goarch, name := range map[string]string{"mipsle": "sys_linux_mipsx.s", "mips64": "sys_linux_mips64x.s"} {
		path := filepath.Join(root, "src", "runtime", name)
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		dir := t.TempDir()
		args, err := prepare(target{goos: "linux", goarch: goarch, goroot: root}, dir)
		require.NoError(t, err, runtime.Version())
		if args == nil {
			continue
		}
		require.Equal(t, []string{"-overlay", filepath.Join(dir, "overlay.json")}, args)
		text, err := os.ReadFile(args[1])
		require.NoError(t, err)
		replacement := filepath.Join(dir, name)
		assert.JSONEq(t, `{"Replace": {"`+path+`": "`+replacement+`"}}`, string(text))
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, string(before), string(after))
		again, err := os.ReadFile(replacement)
		require.NoError(t, err)
		word := word32
		if goarch == "mips64" {
			word = word64
		}
		twice, err := mendUsleep(string(again), word)
		require.NoError(t, err)
		assert.Equal(t, string(again), twice, "what was mended needs no mending")
	}
}

func TestNoOverlayElsewhere(t *testing.T) {
	for _, goarch := range []string{"amd64", "arm", "arm64", "riscv64"} {
		args, err := prepare(target{goos: "linux", goarch: goarch, goroot: t.TempDir()}, t.TempDir())
		require.NoError(t, err)
		require.Empty(t, args, goarch)
	}
}
