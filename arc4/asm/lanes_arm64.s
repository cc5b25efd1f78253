//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "lanes_arm64.h"

// SUM makes j; SWAP loads S[j] and stores S[i] there; OUT stores S[j] to S[i],
// loads the next S[i] and makes the address of the output byte; and PUT fetches
// that to its lane of a vector, which has to come before the stream's next SWAP.

#define I0 R19 // point to entry i of each as it was at the start of a block
#define I1 R20
#define I2 R21
#define I3 R22
#define RUN R23  // blocks left
#define PTRS R24 // points to src and dst of each
#define SRC0 R25
#define DST0 R26
#define SRC1 JX
#define DST1 JY

#define SUM(j, a, jx) \
	ADD a, j                \
	AND $255, j, jx

#define SWAP(s, jx, a, b) \
	MOVBU (s)(jx), b        \
	MOVB a, (s)(jx)

#define OUT(s, a, b, cur, next) \
	MOVB b, cur             \
	ADD a, b                \
	MOVBU next, a           \
	ADD b.UXTB, s, b

#define PUT(b, out, lane) \
	VLD1 (b), out.B[lane]

// ALL is the four parts of four streams: SUM of the first, SWAP of the second,
// OUT of the third and PUT of the fourth.
#define ALL(j1, a1, jx1, s2, jx2, a2, b2, s3, a3, b3, cur, next, b4, out, lane) \
	MOVBU (s2)(jx2), b2     \
	ADD a1, j1              \
	VLD1 (b4), out.B[lane]  \
	AND $255, j1, jx1       \
	MOVB b3, cur            \
	ADD a3, b3              \
	MOVB a2, (s2)(jx2)      \
	ADD b3.UXTB, s3, b3     \
	MOVBU next, a3

// WRAP moves the pointer of a stream to the entry 16 further on, which may have
// wrapped.
#define WRAP(s, ip) \
	ADD $16, ip             \
	SUB s, ip               \
	ADD ip.UXTB, s, ip

// ALLWRAP is ALL for the last row but one: the pointer of the third wraps.
#define ALLWRAP(j1, a1, jx1, s2, jx2, a2, b2, s3, a3, b3, ip, b4, out, lane) \
	MOVBU (s2)(jx2), b2     \
	MOVB b3, 15(ip)         \
	VLD1 (b4), out.B[lane]  \
	WRAP(s3, ip)            \
	ADD a1, j1              \
	MOVB a2, (s2)(jx2)      \
	AND $255, j1, jx1       \
	ADD a3, b3              \
	MOVBU (ip), a3          \
	ADD b3.UXTB, s3, b3

// ROW is step k+1 of a block: SUM of each stream, and what is left to do of the
// step before. before is k-1, which the assembler will not work out for a lane.
#define ROW(k, before) \
	ALL(J0, A0, JX, S3, JY, A3, B3, S2, A2, B2, (k)(I2), (k+1)(I2), B1, V1, before)   \
	ALL(J1, A1, JY, S0, JX, A0, B0, S3, A3, B3, (k)(I3), (k+1)(I3), B2, V2, before)   \
	ALL(J2, A2, JX, S1, JY, A1, B1, S0, A0, B0, (k+1)(I0), (k+2)(I0), B3, V3, before) \
	ALL(J3, A3, JY, S2, JX, A2, B2, S1, A1, B1, (k+1)(I1), (k+2)(I1), B0, V0, k)

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
	MOVD (24*slice)(src), SRC0    \
	MOVD (24*slice)(dst), DST0    \
	MOVD (24*slice+24)(src), SRC1 \
	MOVD (24*slice+24)(dst), DST1 \
	STP (SRC0, DST0), (at)(PTRS)  \
	STP (SRC1, DST1), (at+16)(PTRS)

// func xorLanes(lanes *lane, dst, src *[]byte, blocks int)
TEXT ·xorLanes(SB), NOSPLIT, $64-32
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

block:
	SUM(J0, A0, JX)
	SUM(J1, A1, JY)
	SWAP(S0, JX, A0, B0)
	SUM(J2, A2, JX)
	SWAP(S1, JY, A1, B1)
	OUT(S0, A0, B0, 1(I0), 2(I0))
	SUM(J3, A3, JY)
	SWAP(S2, JX, A2, B2)
	OUT(S1, A1, B1, 1(I1), 2(I1))
	PUT(B0, V0, 0)
	ROW(1, 0)
	ROW(2, 1)
	ROW(3, 2)
	ROW(4, 3)
	ROW(5, 4)
	ROW(6, 5)
	ROW(7, 6)
	ROW(8, 7)
	ROW(9, 8)
	ROW(10, 9)
	ROW(11, 10)
	ROW(12, 11)
	ROW(13, 12)

	// In the last two rows the pointers wrap, each between its OUT's two halves.
	ALL(J0, A0, JX, S3, JY, A3, B3, S2, A2, B2, 14(I2), 15(I2), B1, V1, 13)
	ALL(J1, A1, JY, S0, JX, A0, B0, S3, A3, B3, 14(I3), 15(I3), B2, V2, 13)
	ALLWRAP(J2, A2, JX, S1, JY, A1, B1, S0, A0, B0, I0, B3, V3, 13)
	ALLWRAP(J3, A3, JY, S2, JX, A2, B2, S1, A1, B1, I1, B0, V0, 14)
	ALLWRAP(J0, A0, JX, S3, JY, A3, B3, S2, A2, B2, I2, B1, V1, 14)
	ALLWRAP(J1, A1, JY, S0, JX, A0, B0, S3, A3, B3, I3, B2, V2, 14)
	ALL(J2, A2, JX, S1, JY, A1, B1, S0, A0, B0, (I0), 1(I0), B3, V3, 14)
	ALL(J3, A3, JY, S2, JX, A2, B2, S1, A1, B1, (I1), 1(I1), B0, V0, 15)

	SWAP(S3, JY, A3, B3)
	OUT(S2, A2, B2, (I2), 1(I2))
	PUT(B1, V1, 15)
	OUT(S3, A3, B3, (I3), 1(I3))
	PUT(B2, V2, 15)
	XOR2(0, V0, V1)
	PUT(B3, V3, 15)
	SUBS $1, RUN
	XOR2(32, V2, V3)
	BNE block

	END(S0, J0, I0)
	END(S1, J1, I1)
	END(S2, J2, I2)
	END(S3, J3, I3)
	RET
