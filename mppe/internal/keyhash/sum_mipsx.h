// The body of
//
//	func(a *accelerated, sum, session *[16]byte)
//
// which hashes the two blocks of a with the session key in its place, and puts the digest's first 16
// bytes into sum. All words of the schedule stay in registers, and so the sixteen of the next rounds
// are made together. What differs between processors is defined before this is included:
//
//	ADDROL5(x, e)  adds x, rotated to the left by 5 bits, to e; T1 is free
//	ROL30(x)       rotates x to the left by 30 bits; T1 is free
//	ROL1(x)        rotates x to the left by 1 bit; T1 is free
//	TURN(x)        makes a number of four bytes that were read from memory in big endian, and back;
//	               T0 and T1 are free
//
// The cores in routers wait where a load's result is used at once, and nowhere else here.

// The fields of accelerated, from its start.
#define WORKING 0
#define WORDS   20
#define AT      148
#define LONG    152

#define A   R1
#define B   R2
#define C   R3
#define D   R4
#define E   R5
#define K   R6
#define T0  R7
#define T1  R8
#define W0  R9
#define W1  R10
#define W2  R11
#define W3  R12
#define W4  R13
#define W5  R14
#define W6  R15
#define W7  R16
#define W8  R17
#define W9  R18
#define W10 R19
#define W11 R20
#define W12 R21
#define W13 R22
#define W14 R24
#define W15 R25

// The constants of FIPS 180-4 sections 4.2.1 and 5.3.1.
#define K0 0x5A827999
#define K1 0x6ED9EBA1
#define K2 0x8F1BBCDC
#define K3 0xCA62C1D6
#define H0 0x67452301
#define H1 0xEFCDAB89
#define H2 0x98BADCFE
#define H3 0x10325476
#define H4 0xC3D2E1F0

// A round of each kind. It leaves in e what is a of the next round, and b turned.
#define ROUND(a, b, e, w) \
	ADDU K, e        \
	ADDU w, e        \
	ADDROL5(a, e)    \
	ROL30(b)

#define CHOOSE(a, b, c, d, e, w) \
	XOR c, d, T0     \
	AND b, T0        \
	XOR d, T0        \
	ADDU T0, e       \
	ROUND(a, b, e, w)

#define PARITY(a, b, c, d, e, w) \
	XOR c, d, T0     \
	XOR b, T0        \
	ADDU T0, e       \
	ROUND(a, b, e, w)

// The two halves of the majority have no bit in common.
#define MAJORITY(a, b, c, d, e, w) \
	AND b, c, T0     \
	XOR b, c, T1     \
	ADDU T0, e       \
	AND d, T1        \
	ADDU T1, e       \
	ROUND(a, b, e, w)

#define EXTEND(w, w2, w8, w13) \
	XOR w2, w        \
	XOR w8, w        \
	XOR w13, w       \
	ROL1(w)

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
	MOVW (at+0)(T0), W0    \
	MOVW (at+4)(T0), W1    \
	MOVW (at+8)(T0), W2    \
	MOVW (at+12)(T0), W3   \
	MOVW (at+16)(T0), W4   \
	MOVW (at+20)(T0), W5   \
	MOVW (at+24)(T0), W6   \
	MOVW (at+28)(T0), W7   \
	MOVW (at+32)(T0), W8   \
	MOVW (at+36)(T0), W9   \
	MOVW (at+40)(T0), W10  \
	MOVW (at+44)(T0), W11  \
	MOVW (at+48)(T0), W12  \
	MOVW (at+52)(T0), W13  \
	MOVW (at+56)(T0), W14  \
	MOVW (at+60)(T0), W15

// READ and WRITE move a word from and to any address.
#ifdef GOARCH_mipsle
#define READ(at, from, to) \
	MOVWR (at)(from), to   \
	MOVWL (at+3)(from), to
#define WRITE(of, at, to) \
	MOVWR of, (at)(to)     \
	MOVWL of, (at+3)(to)
#else
#define READ(at, from, to) \
	MOVWL (at)(from), to   \
	MOVWR (at+3)(from), to
#define WRITE(of, at, to) \
	MOVWL of, (at)(to)     \
	MOVWR of, (at+3)(to)
#endif

// ADDINITIAL and ADDVALUE are the end of the first and of the second block, for a word of the state.
#define ADDINITIAL(H, x, v) \
	MOVW $H, T0      \
	ADDU T0, x       \
	MOVW x, v

#define ADDVALUE(v0, v1, v2, v3) \
	MOVW v0, T0      \
	MOVW v1, T1      \
	ADDU T0, A       \
	ADDU T1, B       \
	MOVW v2, T0      \
	MOVW v3, T1      \
	ADDU T0, C       \
	ADDU T1, D

	// The session key into its place: two or four words.
	MOVW session+8(FP), E
	MOVW a+0(FP), K
	READ(0, E, A)
	READ(4, E, B)
	MOVW AT(K), C
	MOVW LONG(K), D
	TURN(A)
	TURN(B)
	ADDU K, C
	MOVW A, (C)
	MOVW B, 4(C)
	BEQ D, placed
	READ(8, E, A)
	READ(12, E, B)
	TURN(A)
	TURN(B)
	MOVW A, 8(C)
	MOVW B, 12(C)

placed:
	// The first block, from where the settled rounds left it. After twelve rounds the registers
	// have moved on by two.
	MOVW a+0(FP), T0
	MOVW R0, second-4(SP)
	WORDSAT(WORDS)
	MOVW (WORKING+0)(T0), D
	MOVW (WORKING+4)(T0), E
	MOVW (WORKING+8)(T0), A
	MOVW (WORKING+12)(T0), B
	MOVW (WORKING+16)(T0), C
	MOVW $K0, K
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
	MOVW $K1, K
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
	MOVW $K2, K
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
	MOVW $K3, K
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
	MOVW second-4(SP), T0
	BNE T0, both

	// The value after the first block, and the second block's words.
	ADDINITIAL(H0, A, value0-8(SP))
	ADDINITIAL(H1, B, value1-12(SP))
	ADDINITIAL(H2, C, value2-16(SP))
	ADDINITIAL(H3, D, value3-20(SP))
	MOVW $H4, T0
	ADDU T0, E
	MOVW a+0(FP), T0
	MOVW $K0, K
	MOVW K, second-4(SP)
	WORDSAT(WORDS+64)
	JMP block

both:
	ADDVALUE(value0-8(SP), value1-12(SP), value2-16(SP), value3-20(SP))
	MOVW sum+4(FP), E
	TURN(A)
	TURN(B)
	TURN(C)
	TURN(D)
	WRITE(A, 0, E)
	WRITE(B, 4, E)
	WRITE(C, 8, E)
	WRITE(D, 12, E)
	RET
