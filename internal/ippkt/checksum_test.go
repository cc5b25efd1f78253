package ippkt

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
)

// wordByWord is Sum as RFC 1071 section 4.1 has it, with a sum that no packet can overflow.
func wordByWord(s uint32, b []byte) uint16 {
	sum := uint64(s)
	for ; len(b) >= 2; b = b[2:] {
		sum += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint64(b[0]) << 8
	}
	for sum>>16 != 0 {
		sum = sum&0xFFFF + sum>>16
	}
	return uint16(sum)
}

func TestSum(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	slab := make([]byte, 70_000)
	fills := map[string]func(i int) byte{
		"random":    func(int) byte { return byte(random.Uint32()) },
		"all ones":  func(int) byte { return 0xFF },
		"all zeros": func(int) byte { return 0 },
		"carries":   func(i int) byte { return byte(-(i & 1)) },
	}
	for name, fill := range fills {
		t.Run(name, func(t *testing.T) {
			for i := range slab {
				slab[i] = fill(i)
			}
			sizes := []int{1348, 1400, 1500, 65_535, 69_990}
			for n := range 200 {
				sizes = append(sizes, n)
			}
			for at := range 5 {
				for _, n := range sizes {
					b := slab[at:][:n]
					for _, start := range []uint32{0, 1, 0xFFFF, 0xFFFE_FFFF >> 15} {
						require.Equal(t, wordByWord(start, b), Fold(Sum(start, b)), "%d bytes at %d on top of %#x", n, at, start)
					}
					require.Equal(t, checksum.Checksum(b, 0), Fold(Sum(0, b)), "%d bytes at %d", n, at)
				}
			}
		})
	}
}

func TestSumIsAddedInParts(t *testing.T) {
	b := make([]byte, 1400)
	for i := range b {
		b[i] = byte(i * i)
	}
	whole := Fold(Sum(0, b))
	for at := 0; at <= len(b); at += 2 {
		assert.Equal(t, whole, Fold(Sum(Sum(0, b[:at]), b[at:])), "cut at %d", at)
	}
}

func FuzzSum(f *testing.F) {
	f.Add(uint32(0), byte(0), make([]byte, 40))
	f.Add(uint32(0xFFFF), byte(1), []byte("an odd number of bytes, more than a block of sixteen words holds: 67"))
	f.Fuzz(func(t *testing.T, start uint32, at byte, b []byte) {
		b = append(make([]byte, at%4), b...)[at%4:]
		start >>= 15
		if len(b) < 1<<17 {
			require.Equal(t, wordByWord(start, b), Fold(Sum(start, b)))
		}
	})
}

func BenchmarkSum(b *testing.B) {
	p := make([]byte, 1400)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		Sum(0, p)
	}
}
