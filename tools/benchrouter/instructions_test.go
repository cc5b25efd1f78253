package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCountLog(t *testing.T) {
	executed, err := countLog(strings.NewReader(`Trace 0: 0x7f02 [00000000/00001000/000000a2/00000201] a
goos: linux
Trace 1: 0x7f02 [00000000/00001004/000000a2/00000201] a
Trace 0: 0x7f02 [00000000/00001004/000000a2/00000201] a
Trace 0: 0x7f02 [00000000/00003000/000000a2/00000201] c
Trace 0: cut off`))
	require.NoError(t, err)
	functions := []symbol{{0x1000, 8, module + "mppe.a"}, {0x1008, 8, "runtime.memmove"}}
	assert.Equal(t, map[string]int{"": 3, "mppe.a": 3}, byFunction(executed, functions))
}

func TestRanges(t *testing.T) {
	assert.Equal(t, "0x1000+0x60,0x9000+0x10", ranges([]symbol{{0x1000, 0x18, "a"}, {0x1020, 0x40, "b"}, {0x9000, 0x10, "c"}}))
}

func TestCounts(t *testing.T) {
	for name, want := range map[string]bool{
		module + "mppe.(*SendBatch).Encrypt":                   true,
		module + "tunnel/internal/session.(*Session).receive":  true,
		module + "tunnel/internal/session.BenchmarkPacketWork": false,
		module + "tunnel/internal/session.(*wire).WriteBatch":  false,
		"runtime.memmove.abi0":                                 true,
		"runtime.mallocgc":                                     false,
		"github.com/arc4tun/other.F":                           false,
	} {
		assert.Equal(t, want, counts(name), name)
	}
}
