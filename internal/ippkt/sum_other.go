//go:build !(mips || mipsle || arm) || purego

package ippkt

import "unsafe"

// sumWords adds the words at p, which is a multiple of four, as the processor loads them: to 64
// bits, of which high and low are the halves.
func sumWords(p *byte, words int) (high, low uint32) {
	var sum uint64
	for _, w := range unsafe.Slice((*uint32)(unsafe.Pointer(p)), words) {
		sum += uint64(w)
	}
	return uint32(sum >> 32), uint32(sum)
}
