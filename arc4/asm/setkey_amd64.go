//go:build !purego

package asm

// overread is how many bytes past the permutation setKey reads and does not use.
const overread = 8

// setKey runs the key set-up on 256 bytes; key points to 16 bytes for the first
// 16 steps, key+stride to those for the next, and so on.
//
//go:noescape
func setKey(perm, key *byte, stride int)

// widen copies a permutation of bytes into one of words.
//
//go:noescape
func widen(words *[256]uint32, perm *byte)
