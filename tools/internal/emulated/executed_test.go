package emulated

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExecuted(t *testing.T) {
	for _, c := range []struct {
		name, line string
		thread     int
		pc         uint64
		ok         bool
	}{
		{"mips", "Trace 0: 0x7f023ce000c0 [00000000/000c3bd4/000000a2/00000201] _rt0_mipsle_linux", 0, 0xc3bd4, true},
		{"arm64", "Trace 3: 0x7f9d34000100 [00000000/0000000000081f60/80000000/00000201] _rt0_arm64_linux", 3, 0x81f60, true},
		{"without a name", "Trace 0: 0x7f023ce000c0 [00000000/000c3bd4/000000a2/00000201] ", 0, 0xc3bd4, true},
		{"the program's own words", "panic: no such backend", 0, 0, false},
		{"words that begin alike", "Trace of what went wrong", 0, 0, false},
		{"cut off", "Trace 0: 0x7f023ce000c0 [00000000/000c3b", 0, 0, false},
		{"no number of a thread", "Trace x: 0x7f023ce000c0 [00000000/000c3bd4/000000a2/00000201]", 0, 0, false},
		{"no address", "Trace 0: 0x7f023ce000c0 [00000000/zzz/000000a2/00000201]", 0, 0, false},
		{"nothing", "", 0, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			thread, pc, ok := Executed([]byte(c.line))
			require.Equal(t, c.ok, ok)
			if ok {
				require.Equal(t, c.thread, thread)
				require.Equal(t, c.pc, pc)
			}
		})
	}
}
