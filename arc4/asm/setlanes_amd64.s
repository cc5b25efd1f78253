//go:build !purego

#include "textflag.h"
#include "lanes_amd64.h"

// KEYLANE is step k of a block of the key set-up of the lane whose permutation is
// at S. R11 points to S[i-k] of the first lane, R12 to the keys of this block.
#define KEYLANE(l, k, j) \
	MOVBLZX ((l*LANE_SIZE)+k)(R11), AX  \
	ADDB ((16*l)+k)(R12), j             \
	ADDB AX, j                          \
	MOVBLZX (l*LANE_SIZE)(DI)(j*1), DX  \
	MOVB AX, (l*LANE_SIZE)(DI)(j*1)     \
	MOVB DX, ((l*LANE_SIZE)+k)(R11)

// KEYROW is the same step of all lanes.
#define KEYROW(k) \
	KEYLANE(0, k, J0) \
	KEYLANE(1, k, J1) \
	KEYLANE(2, k, J2) \
	KEYLANE(3, k, J3) \
	KEYLANE(4, k, J4) \
	KEYLANE(5, k, J5)

// IDENTITY stores the next 16 entries of the identity permutation in all lanes.
#define IDENTITY(at) \
	MOVOU X0, ((0*LANE_SIZE)+at)(DI) \
	MOVOU X0, ((1*LANE_SIZE)+at)(DI) \
	MOVOU X0, ((2*LANE_SIZE)+at)(DI) \
	MOVOU X0, ((3*LANE_SIZE)+at)(DI) \
	MOVOU X0, ((4*LANE_SIZE)+at)(DI) \
	MOVOU X0, ((5*LANE_SIZE)+at)(DI) \
	PADDB X1, X0

// func setLanes(lanes *lane, keys *byte, stride int)
TEXT ·setLanes(SB), NOSPLIT, $0-24
	MOVQ lanes+0(FP), DI
	MOVQ keys+8(FP), R12
	MOVQ stride+16(FP), R13

	MOVQ $0x0706050403020100, AX
	MOVQ AX, X0
	MOVQ $0x0f0e0d0c0b0a0908, AX
	MOVQ AX, X1
	PUNPCKLQDQ X1, X0
	MOVQ $0x1010101010101010, AX
	MOVQ AX, X1
	PUNPCKLQDQ X1, X1
	IDENTITY(0)
	IDENTITY(16)
	IDENTITY(32)
	IDENTITY(48)
	IDENTITY(64)
	IDENTITY(80)
	IDENTITY(96)
	IDENTITY(112)
	IDENTITY(128)
	IDENTITY(144)
	IDENTITY(160)
	IDENTITY(176)
	IDENTITY(192)
	IDENTITY(208)
	IDENTITY(224)
	IDENTITY(240)

	XORL J0, J0
	XORL J1, J1
	XORL J2, J2
	XORL J3, J3
	XORL J4, J4
	XORL J5, J5
	MOVQ DI, R11
	LEAQ 256(DI), R14

	PCALIGN $64
block:
	KEYROW(0)
	KEYROW(1)
	KEYROW(2)
	KEYROW(3)
	KEYROW(4)
	KEYROW(5)
	KEYROW(6)
	KEYROW(7)
	KEYROW(8)
	KEYROW(9)
	KEYROW(10)
	KEYROW(11)
	KEYROW(12)
	KEYROW(13)
	KEYROW(14)
	KEYROW(15)
	ADDQ R13, R12
	ADDQ $16, R11
	CMPQ R11, R14
	JNE block

	// i and j are 0 when the stream begins.
	XORL AX, AX
	MOVQ AX, ((0*LANE_SIZE)+256)(DI)
	MOVQ AX, ((1*LANE_SIZE)+256)(DI)
	MOVQ AX, ((2*LANE_SIZE)+256)(DI)
	MOVQ AX, ((3*LANE_SIZE)+256)(DI)
	MOVQ AX, ((4*LANE_SIZE)+256)(DI)
	MOVQ AX, ((5*LANE_SIZE)+256)(DI)
	RET
