//go:build !purego && (mips || mipsle)

package asm

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/mipscpu"
)

// TestAligned: the kernels make pointers into the permutation from its address
// and an index without adding them.
func TestAligned(t *testing.T) {
	var kept []unsafe.Pointer // so that every one is somewhere else
	for range 100 {
		for _, size := range []uintptr{bytesSize, wordsSize} {
			p := aligned(size)
			kept = append(kept, p)
			require.Zero(t, uintptr(p)%size)
		}
	}
	require.NotEmpty(t, kept)
}

// TestLongestStretch lets the sums of xorR1 grow further than a permutation,
// which has every value once, can make them. If they reached the bits that become
// an address, the load would fault.
func TestLongestStretch(t *testing.T) {
	s := newState(wordsSize)
	for n := range 256 {
		*(*uint32)(unsafe.Add(s.perm, 4*n)) = 255<<24 | 255
	}
	buf := make([]byte, mipsStretch)
	s.j = 255 << 24
	xorR1(&s, &buf[0], &buf[0], len(buf))
	require.EqualValues(t, (255+255*mipsStretch)%256, s.j>>24)
	require.Zero(t, s.at)
	for n, b := range buf {
		require.EqualValues(t, 255, b, "byte %d", n)
	}
}

// TestProcessor: what the processor is said to have, the list of backends goes by.
func TestProcessor(t *testing.T) {
	has := mipscpu.Here()
	t.Logf("%+v, AT_BASE_PLATFORM %q", has, mipscpu.BasePlatform())
	all := Backends()
	require.Len(t, all, 3)
	require.Equal(t, has.Revision == 6, all[0].Missing != "")
	require.Equal(t, has.Revision < 2 || has.Revision == 6, all[1].Missing != "", all[1].Missing)
	require.Equal(t, all[1].Missing != "" || !has.DSP, all[2].Missing != "", all[2].Missing)
}
