package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Instructions as GNU as encodes them.
const (
	lw1from2       = 0x8c410000 // lw   $1, 0($2)
	lw3from1       = 0x8c230000 // lw   $3, 0($1)
	lbu1from2      = 0x90410000 // lbu  $1, 0($2)
	lwl1from2      = 0x88410000 // lwl  $1, 0($2)
	sw1to2         = 0xac410000 // sw   $1, 0($2)
	sw3to1         = 0xac230000 // sw   $3, 0($1)
	addu1of2and3   = 0x00430821 // addu $1, $2, $3
	addu3of1and2   = 0x00221821 // addu $3, $1, $2
	addiu1of1      = 0x24210001 // addiu $1, $1, 1
	sll3of1        = 0x00211880 // sll  $3, $1, 2 (rs is ignored)
	ins1from3      = 0x7c614884 // ins  $1, $3, 2, 8
	ext3from1      = 0x7c233a00 // ext  $3, $1, 8, 8
	adduqb1of2and3 = 0x7c430810 // addu.qb $1, $2, $3
	lbux3of1and2   = 0x7c41198a // lbux $3, $1($2)
	mul1of2and3    = 0x70430802 // mul  $1, $2, $3
	bne1and0       = 0x1420ffff // bne  $1, $0
	jr31           = 0x03e00008
	nop            = 0
)

func Test24K(t *testing.T) {
	for _, c := range []struct {
		name         string
		instructions []uint32
		waited       int
	}{
		{"nothing to wait for", []uint32{lw1from2, nop, nop, addu3of1and2}, 0},
		{"a load and its user", []uint32{lw1from2, addu3of1and2}, 1},
		{"a load, something else, its user", []uint32{lw1from2, nop, addu3of1and2}, 0},
		{"a load and an address", []uint32{lw1from2, lw3from1}, 2},
		{"a load, something else, an address", []uint32{lw1from2, nop, lw3from1}, 1},
		{"a load and a store of it", []uint32{lw1from2, sw1to2}, 1},
		{"a load and a branch", []uint32{lbu1from2, bne1and0}, 1},
		{"two partial loads", []uint32{lwl1from2, lwl1from2}, 1},
		{"a whole load needs nothing of the register", []uint32{lw1from2, lw1from2}, 0},
		{"a sum and its user", []uint32{addu1of2and3, addu3of1and2}, 0},
		{"a sum and an address", []uint32{addu1of2and3, lw3from1}, 1},
		{"a sum and a store's address", []uint32{addu1of2and3, sw3to1}, 1},
		{"a sum and a store's data", []uint32{addu1of2and3, sw1to2}, 0},
		{"a constant and an address", []uint32{addiu1of1, lw3from1}, 1},
		{"a load and a shift", []uint32{lw1from2, sll3of1}, 1},
		{"ins keeps what it does not replace", []uint32{lw1from2, ins1from3}, 1},
		{"ins and an address", []uint32{ins1from3, lw3from1}, 1},
		{"a load and ext", []uint32{lw1from2, ext3from1}, 1},
		{"addu.qb and its user", []uint32{adduqb1of2and3, addu3of1and2}, 1},
		{"addu.qb and an address", []uint32{adduqb1of2and3, lw3from1}, 2},
		{"addu.qb and an index", []uint32{adduqb1of2and3, lbux3of1and2}, 2},
		{"mul and its user", []uint32{mul1of2and3, addu3of1and2}, 4},
		{"jr", []uint32{nop, jr31}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			core, waited := new24K(), 0
			for _, in := range c.instructions {
				waited += core(in)
			}
			require.Equal(t, c.waited, waited)
		})
	}
}

// FuzzDecodeMIPS: whatever the word, it names registers that exist.
func FuzzDecodeMIPS(f *testing.F) {
	for _, seed := range []uint32{lw1from2, sw1to2, ins1from3, mul1of2and3, jr31, nop, 0xffffffff} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, word uint32) {
		in := decodeMIPS(word)
		require.Less(t, max(in.address[0], in.address[1], in.uses[0], in.uses[1], in.makes), uint32(32))
		require.GreaterOrEqual(t, new24K()(word), 0)
	})
}
