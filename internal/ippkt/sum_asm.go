//go:build (mips || mipsle || arm) && !purego

package ippkt

// sumWords adds the words at p, which is a multiple of four, as the processor loads them: to 64
// bits, of which high and low are the halves.
//
//go:noescape
func sumWords(p *byte, words int) (high, low uint32)
