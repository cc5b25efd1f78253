package gre

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/bpf"
)

// disassembled is a filter as what runs it wants it; package bpf must know each instruction.
func disassembled(t *testing.T, program []bpf.RawInstruction) []bpf.Instruction {
	t.Helper()
	known, all := bpf.Disassemble(program)
	require.True(t, all, "%v", known)
	return known
}
