//go:build !purego && (mips || mipsle)

package asm

import (
	"runtime"
	"unsafe"

	"github.com/arc4tun/arc4tun/internal/mipscpu"
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
		{Name: runtime.GOARCH, Missing: r1, NewStream: func() Stream { return &streamR1{newState(wordsSize)} }},
		{Name: runtime.GOARCH + "-r2", Missing: r2, NewStream: func() Stream { return &streamR2{newState(wordsSize)} }},
		{Name: runtime.GOARCH + "-dsp", Missing: dsp, NewStream: func() Stream { return &streamDSP{newState(bytesSize)} }},
	}
}

// The sizes of permutations in bytes.
const (
	wordsSize = 256 * 4
	bytesSize = 256
)

// state is where a key stream is.
type state struct {
	// perm points to the permutation: 256 entries, of a word each or of a byte,
	// aligned to their size in all, and something behind that the key set-up may
	// read.
	perm unsafe.Pointer
	// at is i as an offset into the permutation, and j is as the kernel keeps it;
	// both are 0 at the start.
	at, j uint32
}

func newState(size uintptr) state { return state{perm: aligned(size)} }

// aligned returns size bytes at a multiple of size, a power of 2 from 64 on,
// with at least 8 more behind them: the memory that Go gives starts at a
// multiple of 8.
func aligned(size uintptr) unsafe.Pointer {
	p := unsafe.Pointer(unsafe.SliceData(make([]byte, 2*size)))
	return unsafe.Add(p, -uintptr(p)%size)
}

func (s *state) wipe(size int) {
	clear(unsafe.Slice((*byte)(s.perm), size))
	s.at, s.j = 0, 0
}

// mipsStretch is how many bytes the assembly does in one go, because the
// scheduler cannot interrupt it. xorR1 can do no more than 16448.
const mipsStretch = 1 << 14

// streamR1 is a stream on every MIPS32.
type streamR1 struct{ state }

// SetKey implements [Stream].
func (s *streamR1) SetKey(key []byte) {
	s.at, s.j = 0, 0
	if len(key) == keyBlock {
		setKeyR1(s.perm, unsafe.SliceData(key), 0)
		return
	}
	s.setOtherKey(key)
}

// setOtherKey is by itself so that calls with keys of a block need not clear
// what it has on the stack.
//
//go:noinline
func (s *streamR1) setOtherKey(key []byte) {
	var spread [256]byte
	first, stride := blocks(key, &spread)
	setKeyR1(s.perm, first, stride)
}

// XORKeyStream implements [Stream].
func (s *streamR1) XORKeyStream(dst, src []byte) {
	for len(src) > mipsStretch {
		xorR1(&s.state, unsafe.SliceData(dst), unsafe.SliceData(src), mipsStretch)
		dst, src = dst[mipsStretch:], src[mipsStretch:]
	}
	xorR1(&s.state, unsafe.SliceData(dst), unsafe.SliceData(src), len(src))
}

// Wipe implements [Stream].
func (s *streamR1) Wipe() { s.wipe(wordsSize) }

// streamR2 is a stream on revision 2: ins.
type streamR2 struct{ state }

// SetKey implements [Stream].
func (s *streamR2) SetKey(key []byte) {
	s.at, s.j = 0, 0
	if len(key) == keyBlock {
		setKeyR2(s.perm, unsafe.SliceData(key), 0)
		return
	}
	s.setOtherKey(key)
}

// setOtherKey is by itself so that calls with keys of a block need not clear
// what it has on the stack.
//
//go:noinline
func (s *streamR2) setOtherKey(key []byte) {
	var spread [256]byte
	first, stride := blocks(key, &spread)
	setKeyR2(s.perm, first, stride)
}

// XORKeyStream implements [Stream].
func (s *streamR2) XORKeyStream(dst, src []byte) {
	for len(src) > mipsStretch {
		xorR2(&s.state, unsafe.SliceData(dst), unsafe.SliceData(src), mipsStretch)
		dst, src = dst[mipsStretch:], src[mipsStretch:]
	}
	xorR2(&s.state, unsafe.SliceData(dst), unsafe.SliceData(src), len(src))
}

// Wipe implements [Stream].
func (s *streamR2) Wipe() { s.wipe(wordsSize) }

// streamDSP is a stream on revision 2 with the DSP extension: addu.qb, lbux.
type streamDSP struct{ state }

// SetKey implements [Stream].
func (s *streamDSP) SetKey(key []byte) {
	s.at, s.j = 0, 0
	if len(key) == keyBlock {
		setKeyDSP(s.perm, unsafe.SliceData(key), 0)
		return
	}
	s.setOtherKey(key)
}

// setOtherKey is by itself so that calls with keys of a block need not clear
// what it has on the stack.
//
//go:noinline
func (s *streamDSP) setOtherKey(key []byte) {
	var spread [256]byte
	first, stride := blocks(key, &spread)
	setKeyDSP(s.perm, first, stride)
}

// XORKeyStream implements [Stream].
func (s *streamDSP) XORKeyStream(dst, src []byte) {
	for len(src) > mipsStretch {
		xorDSP(&s.state, unsafe.SliceData(dst), unsafe.SliceData(src), mipsStretch)
		dst, src = dst[mipsStretch:], src[mipsStretch:]
	}
	xorDSP(&s.state, unsafe.SliceData(dst), unsafe.SliceData(src), len(src))
}

// Wipe implements [Stream].
func (s *streamDSP) Wipe() { s.wipe(bytesSize) }

// setKeyR1, setKeyR2 and setKeyDSP run the key set-up; key points to 16 bytes for
// the first 16 steps, and key+stride to those for the next.
//
//go:noescape
func setKeyR1(perm unsafe.Pointer, key *byte, stride int)

//go:noescape
func setKeyR2(perm unsafe.Pointer, key *byte, stride int)

//go:noescape
func setKeyDSP(perm unsafe.Pointer, key *byte, stride int)

// xorR1, xorR2 and xorDSP XOR n bytes, n > 0, from where s is.
//
//go:noescape
func xorR1(s *state, dst, src *byte, n int)

//go:noescape
func xorR2(s *state, dst, src *byte, n int)

//go:noescape
func xorDSP(s *state, dst, src *byte, n int)
