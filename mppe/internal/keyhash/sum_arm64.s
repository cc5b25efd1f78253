//go:build !purego

// SHA-1 in the instructions that every arm64 processor has. All words of the schedule stay in
// registers, and so the sixteen of the next rounds are made together.

#include "textflag.h"
#include "place_arm64.h"

#define A   R0
#define B   R1
#define C   R2
#define D   R3
#define E   R4
#define K   R5
#define T0  R6
#define T1  R7
#define T2  R8 // W0's: used before there are words
#define T3  R9
#define W0  R8
#define W1  R9
#define W2  R10
#define W3  R11
#define W4  R12
#define W5  R13
#define W6  R14
#define W7  R15
#define W8  R16
#define W9  R17
#define W10 R19
#define W11 R20
#define W12 R21
#define W13 R22
#define W14 R23
#define W15 R24
#define PTR R25
#define SECOND R26 // 0 in the first block

// A round of each kind. It leaves in e what is a of the next round, and b turned.
#define ROUND(a, b, e, w) \
	ADDW K, e          \
	ADDW w, e          \
	RORW $27, a, T1    \
	ADDW T0, e         \
	RORW $2, b         \
	ADDW T1, e

// The two halves of the choice have no bit in common, nor have those of the majority.
#define CHOOSE(a, b, c, d, e, w) \
	ANDW b, c, T0      \
	BICW b, d, T1      \
	ADDW T1, e         \
	ROUND(a, b, e, w)

#define PARITY(a, b, c, d, e, w) \
	EORW c, d, T0      \
	EORW b, T0         \
	ROUND(a, b, e, w)

#define MAJORITY(a, b, c, d, e, w) \
	EORW b, c, T1      \
	ANDW b, c, T0      \
	ANDW d, T1         \
	ADDW T1, e         \
	ROUND(a, b, e, w)

#define EXTEND(w, w2, w8, w13) \
	EORW w2, w         \
	EORW w8, w         \
	EORW w13, w        \
	RORW $31, w

#define SCHEDULE \
	EXTEND(W0, W2, W8, W13)   \
	EXTEND(W1, W3, W9, W14)   \
	EXTEND(W2, W4, W10, W15)  \
	EXTEND(W3, W5, W11, W0)   \
	EXTEND(W4, W6, W12, W1)   \
	EXTEND(W5, W7, W13, W2)   \
	EXTEND(W6, W8, W14, W3)   \
	EXTEND(W7, W9, W15, W4)   \
	EXTEND(W8, W10, W0, W5)   \
	EXTEND(W9, W11, W1, W6)   \
	EXTEND(W10, W12, W2, W7)  \
	EXTEND(W11, W13, W3, W8)  \
	EXTEND(W12, W14, W4, W9)  \
	EXTEND(W13, W15, W5, W10) \
	EXTEND(W14, W0, W6, W11)  \
	EXTEND(W15, W1, W7, W12)

#define WORDSAT(at) \
	LDPW (at+0)(PTR), (W0, W1)    \
	LDPW (at+8)(PTR), (W2, W3)    \
	LDPW (at+16)(PTR), (W4, W5)   \
	LDPW (at+24)(PTR), (W6, W7)   \
	LDPW (at+32)(PTR), (W8, W9)   \
	LDPW (at+40)(PTR), (W10, W11) \
	LDPW (at+48)(PTR), (W12, W13) \
	LDPW (at+56)(PTR), (W14, W15)

// ADDINITIAL and GIVE are the end of the first and of the second block, for two words of the state.
#define ADDINITIAL(H, I, x, y, v) \
	MOVW $H, T0        \
	MOVW $I, T1        \
	ADDW T0, x         \
	ADDW T1, y         \
	STPW (x, y), v

#define GIVE(x, y, v, to) \
	LDPW v, (T0, T1)   \
	ADDW T0, x         \
	ADDW T1, y         \
	REVW x, x          \
	REVW y, y          \
	STPW (x, y), to

// func sumPlain(a *accelerated, sum, session *[16]byte)
TEXT ·sumPlain(SB), NOSPLIT, $16-24
	PLACE

	// The first block, from where the settled rounds left it. After twelve rounds the registers
	// have moved on by two.
	MOVD $0, SECOND
	LDPW WORKING(PTR), (D, E)
	LDPW (WORKING+8)(PTR), (A, B)
	MOVWU (WORKING+16)(PTR), C
	WORDSAT(WORDS)
	MOVW $0x5A827999, K
	JMP settled

block:
	CHOOSE(A, B, C, D, E, W0)
	CHOOSE(E, A, B, C, D, W1)
	CHOOSE(D, E, A, B, C, W2)
	CHOOSE(C, D, E, A, B, W3)
	CHOOSE(B, C, D, E, A, W4)
	CHOOSE(A, B, C, D, E, W5)
	CHOOSE(E, A, B, C, D, W6)
	CHOOSE(D, E, A, B, C, W7)
	CHOOSE(C, D, E, A, B, W8)
	CHOOSE(B, C, D, E, A, W9)
	CHOOSE(A, B, C, D, E, W10)
	CHOOSE(E, A, B, C, D, W11)
settled:
	CHOOSE(D, E, A, B, C, W12)
	CHOOSE(C, D, E, A, B, W13)
	CHOOSE(B, C, D, E, A, W14)
	CHOOSE(A, B, C, D, E, W15)
	SCHEDULE
	CHOOSE(E, A, B, C, D, W0)
	CHOOSE(D, E, A, B, C, W1)
	CHOOSE(C, D, E, A, B, W2)
	CHOOSE(B, C, D, E, A, W3)
	MOVW $0x6ED9EBA1, K
	PARITY(A, B, C, D, E, W4)
	PARITY(E, A, B, C, D, W5)
	PARITY(D, E, A, B, C, W6)
	PARITY(C, D, E, A, B, W7)
	PARITY(B, C, D, E, A, W8)
	PARITY(A, B, C, D, E, W9)
	PARITY(E, A, B, C, D, W10)
	PARITY(D, E, A, B, C, W11)
	PARITY(C, D, E, A, B, W12)
	PARITY(B, C, D, E, A, W13)
	PARITY(A, B, C, D, E, W14)
	PARITY(E, A, B, C, D, W15)
	SCHEDULE
	PARITY(D, E, A, B, C, W0)
	PARITY(C, D, E, A, B, W1)
	PARITY(B, C, D, E, A, W2)
	PARITY(A, B, C, D, E, W3)
	PARITY(E, A, B, C, D, W4)
	PARITY(D, E, A, B, C, W5)
	PARITY(C, D, E, A, B, W6)
	PARITY(B, C, D, E, A, W7)
	MOVW $0x8F1BBCDC, K
	MAJORITY(A, B, C, D, E, W8)
	MAJORITY(E, A, B, C, D, W9)
	MAJORITY(D, E, A, B, C, W10)
	MAJORITY(C, D, E, A, B, W11)
	MAJORITY(B, C, D, E, A, W12)
	MAJORITY(A, B, C, D, E, W13)
	MAJORITY(E, A, B, C, D, W14)
	MAJORITY(D, E, A, B, C, W15)
	SCHEDULE
	MAJORITY(C, D, E, A, B, W0)
	MAJORITY(B, C, D, E, A, W1)
	MAJORITY(A, B, C, D, E, W2)
	MAJORITY(E, A, B, C, D, W3)
	MAJORITY(D, E, A, B, C, W4)
	MAJORITY(C, D, E, A, B, W5)
	MAJORITY(B, C, D, E, A, W6)
	MAJORITY(A, B, C, D, E, W7)
	MAJORITY(E, A, B, C, D, W8)
	MAJORITY(D, E, A, B, C, W9)
	MAJORITY(C, D, E, A, B, W10)
	MAJORITY(B, C, D, E, A, W11)
	MOVW $0xCA62C1D6, K
	PARITY(A, B, C, D, E, W12)
	PARITY(E, A, B, C, D, W13)
	PARITY(D, E, A, B, C, W14)
	PARITY(C, D, E, A, B, W15)
	SCHEDULE
	PARITY(B, C, D, E, A, W0)
	PARITY(A, B, C, D, E, W1)
	PARITY(E, A, B, C, D, W2)
	PARITY(D, E, A, B, C, W3)
	PARITY(C, D, E, A, B, W4)
	PARITY(B, C, D, E, A, W5)
	PARITY(A, B, C, D, E, W6)
	PARITY(E, A, B, C, D, W7)
	PARITY(D, E, A, B, C, W8)
	PARITY(C, D, E, A, B, W9)
	PARITY(B, C, D, E, A, W10)
	PARITY(A, B, C, D, E, W11)
	PARITY(E, A, B, C, D, W12)
	PARITY(D, E, A, B, C, W13)
	PARITY(C, D, E, A, B, W14)
	PARITY(B, C, D, E, A, W15)
	CBNZ SECOND, both

	// The value after the first block, and on with the second.
	ADDINITIAL(0x67452301, 0xEFCDAB89, A, B, value0-8(SP))
	ADDINITIAL(0x98BADCFE, 0x10325476, C, D, value2-16(SP))
	MOVW $0xC3D2E1F0, T0
	ADDW T0, E
	MOVD $1, SECOND
	MOVW $0x5A827999, K
	WORDSAT(WORDS+64)
	JMP block

both:
	MOVD sum+8(FP), PTR
	GIVE(A, B, value0-8(SP), 0(PTR))
	GIVE(C, D, value2-16(SP), 8(PTR))
	RET
