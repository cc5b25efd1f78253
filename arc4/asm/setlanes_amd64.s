//go:build !purego

#include "textflag.h"
#include "lanes_amd64.h"
#include "setlanes_amd64.h"

// IDENTITY stores the next 16 entries of the identity permutation in all lanes.
#define IDENTITY(at) \
	MOVOU X0, ((0*LANE_SIZE)+at)(DI) \
	MOVOU X0, ((1*LANE_SIZE)+at)(DI) \
	MOVOU X0, ((2*LANE_SIZE)+at)(DI) \
	MOVOU X0, ((3*LANE_SIZE)+at)(DI) \
	MOVOU X0, ((4*LANE_SIZE)+at)(DI) \
	MOVOU X0, ((5*LANE_SIZE)+at)(DI) \
	PADDB X1, X0

// func setLanesSSE2(lanes *lane, keys *byte, stride int)
TEXT ·setLanesSSE2(SB), NOSPLIT, $0-24
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

	SETLANES(block)
	RET

// IDENTITY64 stores the next 64 entries.
#define IDENTITY64(at) \
	VMOVDQU64 Z0, ((0*LANE_SIZE)+at)(DI) \
	VMOVDQU64 Z0, ((1*LANE_SIZE)+at)(DI) \
	VMOVDQU64 Z0, ((2*LANE_SIZE)+at)(DI) \
	VMOVDQU64 Z0, ((3*LANE_SIZE)+at)(DI) \
	VMOVDQU64 Z0, ((4*LANE_SIZE)+at)(DI) \
	VMOVDQU64 Z0, ((5*LANE_SIZE)+at)(DI) \
	VPADDB Z1, Z0, Z0

// func setLanesAVX512(lanes *lane, keys *byte, stride int)
TEXT ·setLanesAVX512(SB), NOSPLIT, $0-24
	MOVQ lanes+0(FP), DI
	MOVQ keys+8(FP), R12
	MOVQ stride+16(FP), R13

	VMOVDQU64 sequence<>(SB), Z0
	MOVL $64, AX
	VPBROADCASTB AX, Z1
	IDENTITY64(0)
	IDENTITY64(64)
	IDENTITY64(128)
	IDENTITY64(192)
	VZEROUPPER

	SETLANES(block)
	RET

// sequence is the first 64 entries of the identity permutation.
DATA sequence<>+0(SB)/8, $0x0706050403020100
DATA sequence<>+8(SB)/8, $0x0f0e0d0c0b0a0908
DATA sequence<>+16(SB)/8, $0x1716151413121110
DATA sequence<>+24(SB)/8, $0x1f1e1d1c1b1a1918
DATA sequence<>+32(SB)/8, $0x2726252423222120
DATA sequence<>+40(SB)/8, $0x2f2e2d2c2b2a2928
DATA sequence<>+48(SB)/8, $0x3736353433323130
DATA sequence<>+56(SB)/8, $0x3f3e3d3c3b3a3938
GLOBL sequence<>(SB), RODATA|NOPTR, $64
