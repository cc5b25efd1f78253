//go:build !purego

package asm

import "golang.org/x/sys/cpu"

func backends() []Backend {
	return []Backend{
		{Name: "amd64", NewStream: func() Stream { return new(words) }},
		{
			Name: "amd64-sse41", Missing: lacksSSE41(),
			NewStream: func() Stream { return new(sse41) },
			NewLanes: func() Lanes {
				return (&byteLanes{setLanes: setLanesSSE2, xorLanes: xorLanesSSE41, xorBytes: xorBytesSSE41}).ready()
			},
		},
		{
			Name: "amd64-avx512", Missing: lacksAVX512(),
			NewStream: func() Stream { return new(avx512) },
			NewLanes: func() Lanes {
				return (&byteLanes{setLanes: setLanesAVX512, xorLanes: xorLanesAVX512, xorBytes: xorBytesAVX512}).ready()
			},
		},
	}
}

func lacksSSE41() string {
	if cpu.X86.HasSSE41 {
		return ""
	}
	return "this processor has no SSE4.1"
}

func lacksAVX512() string {
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL {
		return ""
	}
	return "this processor has no AVX-512 (F, BW and VL)"
}
