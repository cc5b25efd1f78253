//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "lanes_arm64.h"

#define I0 R15 // point to entry i of each as it was at the start of a block
#define I1 R16
#define I2 R17
#define I3 R19
#define RUN R20  // blocks left
#define PTRS R21 // points to src and dst of each
#define SRC0 R22
#define DST0 R23
#define SRC1 R24
#define DST1 R25

// SWAP is the first half of a step, up to the store of S[i] to S[j].
#define SWAP(s, j, a, b) \
	ADD a, j                \
	AND $255, j, JX         \
	MOVBU (s)(JX), b        \
	MOVB a, (s)(JX)

// OUT is the second: it stores S[j] to S[i], which is at cur, loads the next S[i]
// from next, and puts the output byte into its lane of out.
#define OUT(s, a, b, cur, next, out, lane) \
	MOVB b, cur             \
	ADD a, b, b             \
	MOVBU next, a           \
	ADD b.UXTB, s, b        \
	VLD1 (b), out.B[lane]

// BOTH is SWAP of one stream and OUT of another, each in the other's gaps.
#define BOTH(s, j, a, b, s1, a1, b1, cur, next, out, lane) \
	ADD a, j                \
	MOVB b1, cur            \
	AND $255, j, JX         \
	ADD a1, b1, b1          \
	MOVBU next, a1          \
	ADD b1.UXTB, s1, b1     \
	MOVBU (s)(JX), b        \
	VLD1 (b1), out.B[lane]  \
	MOVB a, (s)(JX)

// ROW4 is step k+1 of a block in four lanes, less lane 0's SWAP, which the row
// before has done, and with that of the next row.
#define ROW4(k) \
	BOTH(S1, J1, A1, B1, S0, A0, B0, (k+1)(I0), (k+2)(I0), V0, k) \
	BOTH(S2, J2, A2, B0, S1, A1, B1, (k+1)(I1), (k+2)(I1), V1, k) \
	BOTH(S3, J3, A3, B1, S2, A2, B0, (k+1)(I2), (k+2)(I2), V2, k) \
	BOTH(S0, J0, A0, B0, S3, A3, B1, (k+1)(I3), (k+2)(I3), V3, k)

// ROW2 is the same in two lanes.
#define ROW2(k) \
	BOTH(S1, J1, A1, B1, S0, A0, B0, (k+1)(I0), (k+2)(I0), V0, k) \
	BOTH(S0, J0, A0, B0, S1, A1, B1, (k+1)(I1), (k+2)(I1), V1, k)

// TURN is BOTH for the last row but one, after which ip may wrap.
#define TURN(s, j, a, b, s1, a1, b1, ip, out) \
	ADD a, j                \
	MOVB b1, 15(ip)         \
	AND $255, j, JX         \
	ADD $16, ip             \
	ADD a1, b1, b1          \
	SUB s1, ip              \
	MOVBU (s)(JX), b        \
	ADD ip.UXTB, s1, ip     \
	MOVB a, (s)(JX)         \
	ADD b1.UXTB, s1, b1     \
	MOVBU (ip), a1          \
	VLD1 (b1), out.B[14]

// BEGIN loads i, j and the first S[i] of a lane, and END stores its i and j.
#define BEGIN(s, j, a, ip) \
	MOVWU perm_i(s), ip     \
	MOVWU perm_j(s), j      \
	ADD s, ip               \
	MOVBU 1(ip), a

#define END(s, j, ip) \
	SUB s, ip               \
	AND $255, j             \
	MOVW ip, perm_i(s)      \
	MOVW j, perm_j(s)

// XOR2 finishes a block of two lanes, whose src and dst are at at(PTRS).
#define XOR2(at, out0, out1) \
	LDP (at)(PTRS), (SRC0, DST0)    \
	LDP (at+16)(PTRS), (SRC1, DST1) \
	FMOVQ.P 16(SRC0), F4            \
	FMOVQ.P 16(SRC1), F5            \
	VEOR out0.B16, V4.B16, V4.B16   \
	VEOR out1.B16, V5.B16, V5.B16   \
	FMOVQ.P F4, 16(DST0)            \
	FMOVQ.P F5, 16(DST1)            \
	STP (SRC0, DST0), (at)(PTRS)    \
	STP (SRC1, DST1), (at+16)(PTRS)

// POINTERS2 copies what the slices' headers say of two lanes to at(PTRS).
#define POINTERS2(dst, src, slice, at) \
	MOVD (24*slice)(src), SRC0      \
	MOVD (24*slice)(dst), DST0      \
	MOVD (24*slice+24)(src), SRC1   \
	MOVD (24*slice+24)(dst), DST1   \
	STP (SRC0, DST0), (at)(PTRS)    \
	STP (SRC1, DST1), (at+16)(PTRS)

// func xorLanes4(lanes *lane, dst, src *[]byte, blocks int)
TEXT ·xorLanes4(SB), NOSPLIT, $64-32
	LANES(lanes+0(FP))
	MOVD dst+8(FP), B0
	MOVD src+16(FP), B1
	MOVD blocks+24(FP), RUN
	MOVD $pointers-64(SP), PTRS
	POINTERS2(B0, B1, 0, 0)
	POINTERS2(B0, B1, 2, 32)
	BEGIN(S0, J0, A0, I0)
	BEGIN(S1, J1, A1, I1)
	BEGIN(S2, J2, A2, I2)
	BEGIN(S3, J3, A3, I3)

block4:
	SWAP(S0, J0, A0, B0)
	ROW4(0)
	ROW4(1)
	ROW4(2)
	ROW4(3)
	ROW4(4)
	ROW4(5)
	ROW4(6)
	ROW4(7)
	ROW4(8)
	ROW4(9)
	ROW4(10)
	ROW4(11)
	ROW4(12)
	ROW4(13)
	TURN(S1, J1, A1, B1, S0, A0, B0, I0, V0)
	TURN(S2, J2, A2, B0, S1, A1, B1, I1, V1)
	TURN(S3, J3, A3, B1, S2, A2, B0, I2, V2)
	TURN(S0, J0, A0, B0, S3, A3, B1, I3, V3)
	BOTH(S1, J1, A1, B1, S0, A0, B0, (I0), 1(I0), V0, 15)
	BOTH(S2, J2, A2, B0, S1, A1, B1, (I1), 1(I1), V1, 15)
	BOTH(S3, J3, A3, B1, S2, A2, B0, (I2), 1(I2), V2, 15)
	OUT(S3, A3, B1, (I3), 1(I3), V3, 15)
	SUBS $1, RUN
	XOR2(0, V0, V1)
	XOR2(32, V2, V3)
	BNE block4

	END(S0, J0, I0)
	END(S1, J1, I1)
	END(S2, J2, I2)
	END(S3, J3, I3)
	RET

// func xorLanes2(lanes *lane, dst, src *[]byte, blocks int)
TEXT ·xorLanes2(SB), NOSPLIT, $32-32
	LANES(lanes+0(FP))
	MOVD dst+8(FP), B0
	MOVD src+16(FP), B1
	MOVD blocks+24(FP), RUN
	MOVD $pointers-32(SP), PTRS
	POINTERS2(B0, B1, 0, 0)
	BEGIN(S0, J0, A0, I0)
	BEGIN(S1, J1, A1, I1)

block2:
	SWAP(S0, J0, A0, B0)
	ROW2(0)
	ROW2(1)
	ROW2(2)
	ROW2(3)
	ROW2(4)
	ROW2(5)
	ROW2(6)
	ROW2(7)
	ROW2(8)
	ROW2(9)
	ROW2(10)
	ROW2(11)
	ROW2(12)
	ROW2(13)
	TURN(S1, J1, A1, B1, S0, A0, B0, I0, V0)
	TURN(S0, J0, A0, B0, S1, A1, B1, I1, V1)
	BOTH(S1, J1, A1, B1, S0, A0, B0, (I0), 1(I0), V0, 15)
	OUT(S1, A1, B1, (I1), 1(I1), V1, 15)
	SUBS $1, RUN
	XOR2(0, V0, V1)
	BNE block2

	END(S0, J0, I0)
	END(S1, J1, I1)
	RET
