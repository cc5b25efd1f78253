//go:build !purego && (mips || mipsle)

package asm

import (
	"runtime"
	"unsafe"

	"github.com/arc4tun/arc4tun/internal/mipscpu"
)

// kernel is one of the three implementations.
type kernel int

const (
	kernelR1  kernel = iota // every MIPS32
	kernelR2                // revision 2: ins
	kernelDSP               // revision 2 with the DSP extension: addu.qb, lbux
)

// backends lists the three; the first can run wherever Go's own code can, but
// for revision 6.
func backends() []Backend {
	has := mipscpu.Here()
	var r1, r2, dsp string
	switch {
	case has.Revision == 6:
		r1 = "MIPS revision 6 has no lwl and lwr"
		r2, dsp = r1, r1
	case has.Revision == 0:
		r2 = "neither /proc/cpuinfo nor AT_BASE_PLATFORM names the processor's revision"
		dsp = r2
	case has.Revision == 1:
		r2 = "the processor has no ins: it is of MIPS32 revision 1"
		dsp = r2
	}
	if dsp == "" && !has.DSP {
		dsp = `the processor has no DSP extension: /proc/cpuinfo lists no "dsp"`
	}
	return []Backend{
		{Name: runtime.GOARCH, Missing: r1, NewStream: func() Stream { return newState(kernelR1) }},
		{Name: runtime.GOARCH + "-r2", Missing: r2, NewStream: func() Stream { return newState(kernelR2) }},
		{Name: runtime.GOARCH + "-dsp", Missing: dsp, NewStream: func() Stream { return newState(kernelDSP) }},
	}
}

// State is one RC4 key stream.
type State struct {
	kernel kernel
	// perm points to the permutation: 256 entries, of a word each or with
	// kernelDSP of a byte, aligned to their size in all, and something behind
	// that the key set-up may read.
	perm unsafe.Pointer
	i, j uint32
}

func newState(k kernel) *State {
	size := uintptr(256 * 4)
	if k == kernelDSP {
		size = 256
	}
	return &State{kernel: k, perm: aligned(size)}
}

// aligned returns size bytes at a multiple of size, a power of 2 from 64 on,
// with at least 8 more behind them: the memory that Go gives starts at a
// multiple of 8.
func aligned(size uintptr) unsafe.Pointer {
	p := unsafe.Pointer(unsafe.SliceData(make([]byte, 2*size)))
	return unsafe.Add(p, -uintptr(p)%size)
}

// mipsStretch is how many bytes the assembly does in one go, because the
// scheduler cannot interrupt it. kernelR1 can do no more than 16448.
const mipsStretch = 1 << 14

// SetKey starts the key stream of key, which is 1 to 256 bytes long.
func (s *State) SetKey(key []byte) {
	s.i, s.j = 0, 0
	switch {
	case len(key) == keyBlock:
		s.setKey(&key[0], 0)
	case keyBlock%len(key) == 0:
		var block [keyBlock]byte
		for n := copy(block[:], key); n < keyBlock; n *= 2 {
			copy(block[n:], block[:n])
		}
		s.setKey(&block[0], 0)
	default:
		s.setLongKey(key)
	}
}

// setLongKey is by itself so that others' calls need not clear spread.
//
//go:noinline
func (s *State) setLongKey(key []byte) {
	var spread [256]byte
	s.setKey(blocks(key, &spread))
}

// setKey runs the key set-up; key points to 16 bytes for the first 16 steps, and
// key+stride to those for the next.
func (s *State) setKey(key *byte, stride int) {
	switch s.kernel {
	case kernelR1:
		setKeyR1(s.perm, key, stride)
	case kernelR2:
		setKeyR2(s.perm, key, stride)
	case kernelDSP:
		setKeyDSP(s.perm, key, stride)
	}
}

// Wipe implements [Stream].
func (s *State) Wipe() {
	size := 256 * 4
	if s.kernel == kernelDSP {
		size = 256
	}
	clear(unsafe.Slice((*byte)(s.perm), size))
	s.i, s.j = 0, 0
}

// XORKeyStream sets dst to src XORed with the next len(src) bytes of the key
// stream. Neither may be empty.
func (s *State) XORKeyStream(dst, src []byte) {
	for len(src) > 0 {
		n := min(len(src), mipsStretch)
		switch s.kernel {
		case kernelR1:
			s.j = xorR1(s.perm, &dst[0], &src[0], n, s.i, s.j)
		case kernelR2:
			s.j = xorR2(s.perm, &dst[0], &src[0], n, s.i, s.j)
		case kernelDSP:
			s.j = xorDSP(s.perm, &dst[0], &src[0], n, s.i, s.j)
		}
		s.i = (s.i + uint32(n)) % 256
		dst, src = dst[n:], src[n:]
	}
}

//go:noescape
func setKeyR1(perm unsafe.Pointer, key *byte, stride int)

//go:noescape
func setKeyR2(perm unsafe.Pointer, key *byte, stride int)

//go:noescape
func setKeyDSP(perm unsafe.Pointer, key *byte, stride int)

// xorR1, xorR2 and xorDSP XOR n bytes, n > 0, from the step after the one that
// ended with indices i and j. They return the new j.
//
//go:noescape
func xorR1(perm unsafe.Pointer, dst, src *byte, n int, i, j uint32) uint32

//go:noescape
func xorR2(perm unsafe.Pointer, dst, src *byte, n int, i, j uint32) uint32

//go:noescape
func xorDSP(perm unsafe.Pointer, dst, src *byte, n int, i, j uint32) uint32
