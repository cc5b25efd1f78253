//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "lanes_arm64.h"
#include "identity_arm64.h"

// SUM makes j: adding all of a key word, shifted, adds its byte and garbage
// above. SWAP loads S[j] and stores S[i] there; OUT loads the next S[i] and
// stores S[j] to S[i], which is k entries into the block.

#define IP R19   // points to entry i of the first lane as it was at the start of a block
#define LAST R20 // where that is after the last block
#define KEY R21  // points to 16 bytes of the first key; the next one's are 256 bytes further
#define STRIDE R22
#define K0 R23   // eight bytes of each key
#define K1 R24
#define K2 R25
#define K3 R26

#define SUM(word, shift, j, a, jx) \
	ADD word>>shift, j      \
	ADD a, j                \
	AND $255, j, jx

#define SWAP(s, jx, a, b) \
	MOVBU (s)(jx), b        \
	MOVB a, (s)(jx)

#define OUT(l, k, a, b) \
	MOVBU (LANE_SIZE*l+k+1)(IP), a \
	MOVB b, (LANE_SIZE*l+k)(IP)

// ALL is the three parts of three streams: SUM of the first, SWAP of the second
// and OUT of the third.
#define ALL(word, shift, j1, a1, jx1, s2, jx2, a2, b2, l, k, a3, b3) \
	MOVBU (s2)(jx2), b2             \
	ADD word>>shift, j1             \
	MOVBU (LANE_SIZE*l+k+1)(IP), a3 \
	ADD a1, j1                      \
	MOVB a2, (s2)(jx2)              \
	AND $255, j1, jx1               \
	MOVB b3, (LANE_SIZE*l+k)(IP)

// ROW is step k of a block: SUM of each stream, and what is left to do of the
// step before.
#define ROW(k, shift) \
	ALL(K0, shift, J0, A0, JX, S3, JY, A3, B3, 2, k-1, A2, B2) \
	ALL(K1, shift, J1, A1, JY, S0, JX, A0, B0, 3, k-1, A3, B3) \
	ALL(K2, shift, J2, A2, JX, S1, JY, A1, B1, 0, k, A0, B0)   \
	ALL(K3, shift, J3, A3, JY, S2, JX, A2, B2, 1, k, A1, B1)

// KEYS loads eight bytes of each key, from byte k of a block on.
#define KEYS(k) \
	MOVD k(KEY), K0         \
	MOVD (256+k)(KEY), K1   \
	MOVD (512+k)(KEY), K2   \
	MOVD (768+k)(KEY), K3

// IDENTITY stores 64 entries of the identity permutation in a lane.
#define IDENTITY(l) \
	FSTPQ (F0, F1), (LANE_SIZE*l)(IP) \
	FSTPQ (F2, F3), (LANE_SIZE*l+32)(IP)

// START puts i and j of a lane to 0.
#define START(s) \
	MOVW ZR, perm_i(s)      \
	MOVW ZR, perm_j(s)

// func setLanes(lanes *lane, keys *byte, stride int)
TEXT ·setLanes(SB), NOSPLIT, $0-24
	LANES(lanes+0(FP))
	MOVD keys+8(FP), KEY
	MOVD stride+16(FP), STRIDE
	MOVD S0, IP
	ADD $256, S0, LAST

	FIRST64
identity:
	IDENTITY(0)
	IDENTITY(1)
	IDENTITY(2)
	IDENTITY(3)
	NEXT64
	ADD $64, IP
	CMP LAST, IP
	BNE identity

	MOVD S0, IP
	MOVD ZR, J0
	MOVD ZR, J1
	MOVD ZR, J2
	MOVD ZR, J3
	MOVD ZR, A0
	MOVD ZR, A1
	MOVD ZR, A2
	MOVD ZR, A3
key:
	KEYS(0)
	SUM(K0, 0, J0, A0, JX)
	SUM(K1, 0, J1, A1, JY)
	SWAP(S0, JX, A0, B0)
	SUM(K2, 0, J2, A2, JX)
	SWAP(S1, JY, A1, B1)
	OUT(0, 0, A0, B0)
	SUM(K3, 0, J3, A3, JY)
	SWAP(S2, JX, A2, B2)
	OUT(1, 0, A1, B1)
	ROW(1, 8)
	ROW(2, 16)
	ROW(3, 24)
	ROW(4, 32)
	ROW(5, 40)
	ROW(6, 48)
	ROW(7, 56)
	KEYS(8)
	ROW(8, 0)
	ROW(9, 8)
	ROW(10, 16)
	ROW(11, 24)
	ROW(12, 32)
	ROW(13, 40)
	ROW(14, 48)
	ROW(15, 56)
	SWAP(S3, JY, A3, B3)
	OUT(2, 15, A2, B2)
	OUT(3, 15, A3, B3)
	ADD STRIDE, KEY
	ADD $16, IP
	CMP LAST, IP
	BNE key

	START(S0)
	START(S1)
	START(S2)
	START(S3)
	RET
