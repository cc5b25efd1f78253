//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "lanes_arm64.h"
#include "identity_arm64.h"

#define I0 R15  // points to entry i of lane 0 as it was at the start of a block
#define LAST R16 // where that is after the last block
#define KEY R17 // points to 16 bytes of the first key; those of the next are 256 further
#define STRIDE R19
#define K0 R20 // eight bytes of each key
#define K1 R21
#define K2 R22
#define K3 R23

// SWAP is the first half of a step, up to the store of S[i] to S[j]. Adding all
// of a key word, shifted, adds its byte to j and garbage above.
#define SWAP(s, j, a, b, word, shift) \
	ADD word>>shift, j      \
	ADD a, j                \
	AND $255, j, JX         \
	MOVBU (s)(JX), b        \
	MOVB a, (s)(JX)

// OUT is the second: it loads the next S[i] and stores S[j] to S[i], which is k
// entries into the block.
#define OUT(l, k, a, b) \
	MOVBU (LANE_SIZE*l+k+1)(I0), a \
	MOVB b, (LANE_SIZE*l+k)(I0)

// BOTH is SWAP of one stream and OUT of another, each in the other's gaps.
#define BOTH(s, j, a, b, word, shift, l, k, a1, b1) \
	ADD word>>shift, j      \
	ADD a, j                \
	MOVBU (LANE_SIZE*l+k+1)(I0), a1 \
	AND $255, j, JX         \
	MOVB b1, (LANE_SIZE*l+k)(I0) \
	MOVBU (s)(JX), b        \
	MOVB a, (s)(JX)

// ROW4 is step k of a block in four lanes, less lane 0's SWAP, which the row
// before has done, and with that of the next row, whose key byte is at next.
#define ROW4(k, shift, next) \
	BOTH(S1, J1, A1, B1, K1, shift, 0, k, A0, B0) \
	BOTH(S2, J2, A2, B0, K2, shift, 1, k, A1, B1) \
	BOTH(S3, J3, A3, B1, K3, shift, 2, k, A2, B0) \
	BOTH(S0, J0, A0, B0, K0, next, 3, k, A3, B1)

// ROW2 is the same in two lanes.
#define ROW2(k, shift, next) \
	BOTH(S1, J1, A1, B1, K1, shift, 0, k, A0, B0) \
	BOTH(S0, J0, A0, B0, K0, next, 1, k, A1, B1)

// EIGHT4 is eight rows, from entry k and byte k of the keys on. The last does no
// SWAP of a next row.
#define EIGHT4(k) \
	MOVD (k)(KEY), K0       \
	MOVD (k+256)(KEY), K1    \
	MOVD (k+512)(KEY), K2    \
	MOVD (k+768)(KEY), K3    \
	SWAP(S0, J0, A0, B0, K0, 0) \
	ROW4(k, 0, 8)           \
	ROW4(k+1, 8, 16)        \
	ROW4(k+2, 16, 24)       \
	ROW4(k+3, 24, 32)       \
	ROW4(k+4, 32, 40)       \
	ROW4(k+5, 40, 48)       \
	ROW4(k+6, 48, 56)       \
	BOTH(S1, J1, A1, B1, K1, 56, 0, k+7, A0, B0) \
	BOTH(S2, J2, A2, B0, K2, 56, 1, k+7, A1, B1) \
	BOTH(S3, J3, A3, B1, K3, 56, 2, k+7, A2, B0) \
	OUT(3, k+7, A3, B1)

#define EIGHT2(k) \
	MOVD (k)(KEY), K0       \
	MOVD (k+256)(KEY), K1    \
	SWAP(S0, J0, A0, B0, K0, 0) \
	ROW2(k, 0, 8)           \
	ROW2(k+1, 8, 16)        \
	ROW2(k+2, 16, 24)       \
	ROW2(k+3, 24, 32)       \
	ROW2(k+4, 32, 40)       \
	ROW2(k+5, 40, 48)       \
	ROW2(k+6, 48, 56)       \
	BOTH(S1, J1, A1, B1, K1, 56, 0, k+7, A0, B0) \
	OUT(1, k+7, A1, B1)

// IDENTITY stores 64 entries of the identity permutation in a lane.
#define IDENTITY(l) \
	FSTPQ (F0, F1), (LANE_SIZE*l)(I0) \
	FSTPQ (F2, F3), (LANE_SIZE*l+32)(I0)

// START puts i and j of a lane to 0.
#define START(s) \
	MOVW ZR, perm_i(s)      \
	MOVW ZR, perm_j(s)

// func setLanes4(lanes *lane, keys *byte, stride int)
TEXT ·setLanes4(SB), NOSPLIT, $0-24
	LANES(lanes+0(FP))
	MOVD keys+8(FP), KEY
	MOVD stride+16(FP), STRIDE
	MOVD S0, I0
	ADD $256, S0, LAST

	FIRST64
identity4:
	IDENTITY(0)
	IDENTITY(1)
	IDENTITY(2)
	IDENTITY(3)
	NEXT64
	ADD $64, I0
	CMP LAST, I0
	BNE identity4

	MOVD S0, I0
	MOVD ZR, J0
	MOVD ZR, J1
	MOVD ZR, J2
	MOVD ZR, J3
	MOVD ZR, A0
	MOVD ZR, A1
	MOVD ZR, A2
	MOVD ZR, A3
key4:
	EIGHT4(0)
	EIGHT4(8)
	ADD STRIDE, KEY
	ADD $16, I0
	CMP LAST, I0
	BNE key4

	START(S0)
	START(S1)
	START(S2)
	START(S3)
	RET

// func setLanes2(lanes *lane, keys *byte, stride int)
TEXT ·setLanes2(SB), NOSPLIT, $0-24
	LANES(lanes+0(FP))
	MOVD keys+8(FP), KEY
	MOVD stride+16(FP), STRIDE
	MOVD S0, I0
	ADD $256, S0, LAST

	FIRST64
identity2:
	IDENTITY(0)
	IDENTITY(1)
	NEXT64
	ADD $64, I0
	CMP LAST, I0
	BNE identity2

	MOVD S0, I0
	MOVD ZR, J0
	MOVD ZR, J1
	MOVD ZR, A0
	MOVD ZR, A1
key2:
	EIGHT2(0)
	EIGHT2(8)
	ADD STRIDE, KEY
	ADD $16, I0
	CMP LAST, I0
	BNE key2

	START(S0)
	START(S1)
	RET
