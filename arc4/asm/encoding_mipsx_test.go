package asm_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMIPSEncodings assembles the macros of rc4_mipsx.h for instructions that
// Go's assembler does not know, and compares with what GNU as 2.40 makes of them
// (-march=mips32r2 -mdsp).
func TestMIPSEncodings(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to assemble with")
	}
	here, err := os.Getwd()
	require.NoError(t, err)
	cases := []struct {
		macro string
		gnu   string
		want  uint32
	}{
		{"INS(rP, rJ, 2, 8)", "ins $7, $16, 2, 8", 0x7e074884},
		{"INS(rQ, rT, 2, 8)", "ins $8, $12, 2, 8", 0x7d884884},
		{"INS(rNXT, rT, 0, 10)", "ins $6, $12, 0, 10", 0x7d864804},
		{"INS(rW, rZ0, 24, 8)", "ins $13, $15, 24, 8", 0x7dedfe04},
		{"INS(rW, rZ1, 16, 8)", "ins $13, $18, 16, 8", 0x7e4dbc04},
		{"ADDUQB(rT, rB, rA0)", "addu.qb $12, $11, $9", 0x7d696010},
		{"ADDUQB(rP, rP, rA1)", "addu.qb $7, $7, $10", 0x7cea3810},
		{"LBUX(rW, rT, rS)", "lbux $13, $12($17)", 0x7e2c698a},
		{"LBUX(rZ2, rT, rS)", "lbux $19, $12($17)", 0x7e2c998a},
	}
	for arch, order := range map[string]binary.AppendByteOrder{
		"mips": binary.BigEndian, "mipsle": binary.LittleEndian,
	} {
		for _, c := range cases {
			t.Run(arch+" "+c.gnu, func(t *testing.T) {
				dir := t.TempDir()
				source, object := filepath.Join(dir, "x.s"), filepath.Join(dir, "x.o")
				// Words around it that appear nowhere else in the object.
				text := fmt.Sprintf("#include \"rc4_mipsx.h\"\nTEXT ·x(SB), 4, $0-0\n\tWORD $0x12345678\n\t%s\n\tWORD $0x9abcdef0\n", c.macro)
				require.NoError(t, os.WriteFile(source, []byte(text), 0o600))
				cmd := exec.Command(goTool, "tool", "asm", "-I", here, "-D", "GOARCH_"+arch, "-p", "x", "-o", object, source)
				cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "GOMIPS=softfloat")
				output, err := cmd.CombinedOutput()
				require.NoError(t, err, "%s\n%s", strings.Join(cmd.Args, " "), output)
				made, err := os.ReadFile(object)
				require.NoError(t, err)
				var want []byte
				for _, word := range []uint32{0x12345678, c.want, 0x9abcdef0} {
					want = order.AppendUint32(want, word)
				}
				require.True(t, bytes.Contains(made, want), "the object does not have %#08x", c.want)
			})
		}
	}
}
