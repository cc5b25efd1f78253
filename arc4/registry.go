package arc4

import (
	"runtime"
	"slices"

	"github.com/arc4tun/arc4tun/arc4/asm"
	"github.com/arc4tun/arc4tun/arc4/generic"
)

// known lists every backend of every architecture. Its order is the order of
// Backends.
var known = []*Backend{
	newBackend("reference", "textbook RC4: byte state, a byte at a time",
		func() stream { return new(generic.Reference) }),
	newBackend("u32", "portable Go: 32-bit state, many bytes a call",
		func() stream { return new(generic.U32) }),
	newBackend("unrolled", "portable Go: looks ahead, sixteen steps a round; several packets side by side",
		func() stream { return new(generic.Unrolled) }).
		withLanes(func() lanes { return new(generic.Lanes) }),
	inAssembly("amd64", "amd64", "x86-64 assembly, SSE2: looks four steps ahead"),
	inAssembly("amd64-sse41", "amd64", "x86-64 assembly, SSE4.1: looks four steps ahead, six packets side by side"),
	inAssembly("amd64-avx512", "amd64", "x86-64 assembly, AVX-512: looks four steps ahead, six packets side by side"),
	inAssembly("arm64", "arm64", "ARMv8 assembly: nine instructions a step, four packets side by side"),
	inAssembly("arm64-ahead", "arm64", "ARMv8 assembly: looks up to seven steps ahead, four packets side by side"),
	inAssembly("arm", "arm", "ARMv5 assembly: eight instructions a step, word-wide where aligned"),
	inAssembly("mipsle", "mipsle", "MIPS32 assembly: every output byte is loaded into its place in a word").rank(),
	inAssembly("mipsle-r2", "mipsle", "the same for MIPS32 revision 2: ins").rank(),
	inAssembly("mipsle-dsp", "mipsle", "MIPS32 revision 2 assembly with the DSP extension: addu.qb, lbux").rank(),
	inAssembly("mips", "mips", "MIPS32 assembly, big endian: every output byte is loaded into its place in a word").rank(),
	inAssembly("mips-r2", "mips", "the same for MIPS32 revision 2: ins").rank(),
	inAssembly("mips-dsp", "mips", "MIPS32 revision 2 assembly with the DSP extension: addu.qb, lbux").rank(),
}

// rank makes b ranked. Processors with a MIPS32 are simple enough for that: they do their
// instructions one after the other, or nearly so.
func (b *Backend) rank() *Backend {
	b.ranked = true
	return b
}

// inAssembly is the backend that package asm calls name, if this is the
// architecture arch and the build has it.
func inAssembly(name, arch, about string) *Backend {
	implementations := asm.Backends()
	at := slices.IndexFunc(implementations, func(a asm.Backend) bool { return a.Name == name })
	if at >= 0 {
		a := implementations[at]
		b := newBackend(name, about, func() stream { return a.NewStream() })
		b.missing = a.Missing
		if a.NewLanes != nil {
			b.withLanes(func() lanes { return a.NewLanes() })
		}
		return b
	}
	b := newBackend(name, about, nil)
	b.missing = "this build has no assembly (build tag purego)"
	if runtime.GOARCH != arch {
		b.missing = "it is for " + arch + " and this is " + runtime.GOARCH
	}
	return b
}

// Backends returns the backends that run on this machine, always in the same
// order. One whose SelfTest fails is among them, but is never selected.
func Backends() []*Backend {
	return slices.DeleteFunc(slices.Clone(known), func(b *Backend) bool { return b.missing != "" })
}

// Known returns every backend of every architecture, also those that cannot run
// here; see [Backend.Missing].
func Known() []*Backend { return slices.Clone(known) }
