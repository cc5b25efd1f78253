//go:build !purego

// SHA-1 in the instructions that the cryptographic extension has for it. They keep the state as a
// vector of four words, and the fifth by itself, in E0 and E1 by turns.

#include "textflag.h"
#include "place_arm64.h"

#define PTR   R0
#define T0    R1
#define T1    R2
#define T2    R3
#define T3    R4
#define STATE V0
#define E0    V1
#define E1    V2
#define NOW   V3
#define M0    V4
#define M1    V5
#define M2    V6
#define M3    V7
#define K0    V16
#define K1    V17
#define K2    V18
#define K3    V19
#define VALUE V20 // after the first block

DATA ·initial<>+0(SB)/8, $0xEFCDAB8967452301
DATA ·initial<>+8(SB)/8, $0x1032547698BADCFE
GLOBL ·initial<>(SB), RODATA|NOPTR, $16

// FOUR is four rounds of a kind with the words m. They begin with the fifth word e and leave the next.
#define FOUR(KIND, k, e, next, m) \
	VADD k.S4, m.S4, NOW.S4 \
	SHA1H STATE, next       \
	KIND NOW.S4, e, STATE

// EXTEND makes the four words after w to w12, sixteen that follow each other, in the place of w.
#define EXTEND(w, w4, w8, w12) \
	SHA1SU0 w8.S4, w4.S4, w.S4 \
	SHA1SU1 w12.S4, w.S4

#define CONSTANT(k, K) \
	MOVW $k, T1        \
	VDUP T1, K.S4

// func sumSHA1(a *accelerated, sum, session *[16]byte)
TEXT ·sumSHA1(SB), NOSPLIT, $0-24
	PLACE
	CONSTANT(0x5A827999, K0)
	CONSTANT(0x6ED9EBA1, K1)
	CONSTANT(0x8F1BBCDC, K2)
	CONSTANT(0xCA62C1D6, K3)

	// The first block, from where the settled rounds left it: after twelve E1 is the one.
	MOVD $0, T2
	ADD $WORDS, PTR, T0
	VLD1 (PTR), [STATE.S4]
	FMOVS 16(PTR), F2
	VLD1.P 64(T0), [M0.S4, M1.S4, M2.S4, M3.S4]
	JMP settled

block:
	FOUR(SHA1C, K0, E0, E1, M0)
	FOUR(SHA1C, K0, E1, E0, M1)
	FOUR(SHA1C, K0, E0, E1, M2)
settled:
	FOUR(SHA1C, K0, E1, E0, M3)
	EXTEND(M0, M1, M2, M3)
	FOUR(SHA1C, K0, E0, E1, M0)
	EXTEND(M1, M2, M3, M0)
	FOUR(SHA1P, K1, E1, E0, M1)
	EXTEND(M2, M3, M0, M1)
	FOUR(SHA1P, K1, E0, E1, M2)
	EXTEND(M3, M0, M1, M2)
	FOUR(SHA1P, K1, E1, E0, M3)
	EXTEND(M0, M1, M2, M3)
	FOUR(SHA1P, K1, E0, E1, M0)
	EXTEND(M1, M2, M3, M0)
	FOUR(SHA1P, K1, E1, E0, M1)
	EXTEND(M2, M3, M0, M1)
	FOUR(SHA1M, K2, E0, E1, M2)
	EXTEND(M3, M0, M1, M2)
	FOUR(SHA1M, K2, E1, E0, M3)
	EXTEND(M0, M1, M2, M3)
	FOUR(SHA1M, K2, E0, E1, M0)
	EXTEND(M1, M2, M3, M0)
	FOUR(SHA1M, K2, E1, E0, M1)
	EXTEND(M2, M3, M0, M1)
	FOUR(SHA1M, K2, E0, E1, M2)
	EXTEND(M3, M0, M1, M2)
	FOUR(SHA1P, K3, E1, E0, M3)
	EXTEND(M0, M1, M2, M3)
	FOUR(SHA1P, K3, E0, E1, M0)
	EXTEND(M1, M2, M3, M0)
	FOUR(SHA1P, K3, E1, E0, M1)
	EXTEND(M2, M3, M0, M1)
	FOUR(SHA1P, K3, E0, E1, M2)
	EXTEND(M3, M0, M1, M2)
	FOUR(SHA1P, K3, E1, E0, M3)
	CBNZ T2, both

	// The value after it, and on with the second.
	MOVD $·initial<>(SB), T3
	VLD1 (T3), [VALUE.S4]
	MOVW $0xC3D2E1F0, T1
	VADD STATE.S4, VALUE.S4, VALUE.S4
	VMOV T1, V3.S[0]
	VMOV VALUE.B16, STATE.B16
	VADD V3.S4, E0.S4, E0.S4
	MOVD $1, T2
	VLD1 (T0), [M0.S4, M1.S4, M2.S4, M3.S4]
	JMP block

both:
	MOVD sum+8(FP), T0
	VADD VALUE.S4, STATE.S4, STATE.S4
	VREV32 STATE.B16, STATE.B16
	VST1 [STATE.B16], (T0)
	RET
