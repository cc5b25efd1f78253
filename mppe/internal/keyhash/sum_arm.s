//go:build !purego

// SHA-1 in the instructions of ARMv5. Rotations are free: they are done where a value is used. So the
// words c, d and e of the state lie here as they were before they were turned, and are used turned by
// two bits to the right, @>2.
//
// In the rounds no value is used by the next two instructions after its load.

#include "textflag.h"

// The fields of accelerated, from its start.
#define WORKING 0
#define WORDS   20
#define AT      148
#define LONG    152

#define A   R0
#define B   R1
#define C   R2
#define D   R3
#define E   R4
#define K   R5
#define PTR R6  // points to accelerated, in the second block 16 words further on
#define T   R7
#define U   R8
#define X0  R9  // the last three words of the schedule
#define X1  R11
#define X2  R12
#define L   R14

// Word t of the message, and one that was made of those before. The latter, and then the value after
// the first block and whether it is there, are on the stack.
#define MESSAGE(t) (WORDS+4*(t))(PTR)
#define MADE(t)    (4+4*((t)-16))(R13)
#define VALUE(n)   (228+4*(n))(R13)
#define SECOND     248(R13)

// A round of each kind. It leaves in e what is a of the next round.
#define ROUND(a, e, x) \
	ADD K, e         \
	ADD x, e         \
	ADD a@>27, e

#define CHOOSE(a, b, c, d, e, x) \
	EOR c, d, T      \
	AND T@>2, b, T   \
	EOR d@>2, T      \
	ADD e@>2, T, e   \
	ROUND(a, e, x)

#define PARITY(a, b, c, d, e, x) \
	EOR c, d, T      \
	EOR T@>2, b, T   \
	ADD e@>2, T, e   \
	ROUND(a, e, x)

// The two halves of the majority have no bit in common.
#define MAJORITY(a, b, c, d, e, x) \
	EOR c, d, T      \
	AND c, d, U      \
	AND T@>2, b, T   \
	ADD e@>2, T, e   \
	ADD U@>2, e      \
	ROUND(a, e, x)

#define WORD(t, x) \
	MOVW MESSAGE(t), x

// LAST makes the word after x, x1 and x2 in the place of x. EXTEND keeps it, too.
#define LAST(x, w8, w14, w16) \
	MOVW w8, L       \
	MOVW w14, U      \
	MOVW w16, T      \
	EOR L, x         \
	EOR U, x         \
	EOR T, x         \
	MOVW x@>31, x

#define EXTEND(x, w8, w14, w16, w) \
	LAST(x, w8, w14, w16) \
	MOVW x, w

// PLACE reads a word of the session key and puts it into its place.
#define PLACE(n) \
	MOVBU (n)(U), A     \
	MOVBU (n+1)(U), B   \
	MOVBU (n+2)(U), C   \
	MOVBU (n+3)(U), D   \
	MOVW A<<24, A       \
	ORR B<<16, A        \
	ORR C<<8, A         \
	ORR D, A            \
	MOVW A, (n)(T)

// INITIAL ends the first block for a word of the state. GIVE ends the second: it adds the value and
// writes a word of the sum.
#define INITIAL(H, x, n) \
	MOVW $H, T       \
	ADD T, x         \
	MOVW x, VALUE(n)

#define GIVE(x, n) \
	MOVW VALUE(n), T    \
	ADD x, T            \
	MOVW T>>24, L       \
	MOVB L, (4*(n))(PTR)   \
	MOVW T>>16, L       \
	MOVB L, (4*(n)+1)(PTR) \
	MOVW T>>8, L        \
	MOVB L, (4*(n)+2)(PTR) \
	MOVB T, (4*(n)+3)(PTR)

// func sum2(a *accelerated, sum, session *[16]byte)
TEXT ·sum2(SB), NOSPLIT, $248-12
	MOVW a+0(FP), PTR
	MOVW session+8(FP), U
	MOVW AT(PTR), T
	MOVW LONG(PTR), L
	ADD PTR, T
	PLACE(0)
	PLACE(4)
	CMP $0, L
	BEQ placed
	PLACE(8)
	PLACE(12)

placed:
	// The first block, from where the settled rounds left it. After twelve rounds the registers
	// have moved on by two.
	MOVW $0, L
	MOVW L, SECOND
	MOVW (WORKING+0)(PTR), D
	MOVW (WORKING+4)(PTR), E
	MOVW (WORKING+8)(PTR), A
	MOVW (WORKING+12)(PTR), B
	MOVW (WORKING+16)(PTR), C
	MOVW A@>30, A
	MOVW B@>30, B
	MOVW C@>30, C
	MOVW $0x5A827999, K
	JMP settled

block:
	WORD(0, X0)
	CHOOSE(A, B, C, D, E, X0)
	WORD(1, X1)
	CHOOSE(E, A, B, C, D, X1)
	WORD(2, X2)
	CHOOSE(D, E, A, B, C, X2)
	WORD(3, X0)
	CHOOSE(C, D, E, A, B, X0)
	WORD(4, X1)
	CHOOSE(B, C, D, E, A, X1)
	WORD(5, X2)
	CHOOSE(A, B, C, D, E, X2)
	WORD(6, X0)
	CHOOSE(E, A, B, C, D, X0)
	WORD(7, X1)
	CHOOSE(D, E, A, B, C, X1)
	WORD(8, X2)
	CHOOSE(C, D, E, A, B, X2)
	WORD(9, X0)
	CHOOSE(B, C, D, E, A, X0)
	WORD(10, X1)
	CHOOSE(A, B, C, D, E, X1)
	WORD(11, X2)
	CHOOSE(E, A, B, C, D, X2)
settled:
	WORD(12, X0)
	CHOOSE(D, E, A, B, C, X0)
	WORD(13, X1)
	CHOOSE(C, D, E, A, B, X1)
	WORD(14, X2)
	CHOOSE(B, C, D, E, A, X2)
	WORD(15, X0)
	CHOOSE(A, B, C, D, E, X0)
	EXTEND(X1, MESSAGE(8), MESSAGE(2), MESSAGE(0), MADE(16))
	CHOOSE(E, A, B, C, D, X1)
	EXTEND(X2, MESSAGE(9), MESSAGE(3), MESSAGE(1), MADE(17))
	CHOOSE(D, E, A, B, C, X2)
	EXTEND(X0, MESSAGE(10), MESSAGE(4), MESSAGE(2), MADE(18))
	CHOOSE(C, D, E, A, B, X0)
	EXTEND(X1, MESSAGE(11), MESSAGE(5), MESSAGE(3), MADE(19))
	CHOOSE(B, C, D, E, A, X1)
	MOVW $0x6ED9EBA1, K
	EXTEND(X2, MESSAGE(12), MESSAGE(6), MESSAGE(4), MADE(20))
	PARITY(A, B, C, D, E, X2)
	EXTEND(X0, MESSAGE(13), MESSAGE(7), MESSAGE(5), MADE(21))
	PARITY(E, A, B, C, D, X0)
	EXTEND(X1, MESSAGE(14), MESSAGE(8), MESSAGE(6), MADE(22))
	PARITY(D, E, A, B, C, X1)
	EXTEND(X2, MESSAGE(15), MESSAGE(9), MESSAGE(7), MADE(23))
	PARITY(C, D, E, A, B, X2)
	EXTEND(X0, MADE(16), MESSAGE(10), MESSAGE(8), MADE(24))
	PARITY(B, C, D, E, A, X0)
	EXTEND(X1, MADE(17), MESSAGE(11), MESSAGE(9), MADE(25))
	PARITY(A, B, C, D, E, X1)
	EXTEND(X2, MADE(18), MESSAGE(12), MESSAGE(10), MADE(26))
	PARITY(E, A, B, C, D, X2)
	EXTEND(X0, MADE(19), MESSAGE(13), MESSAGE(11), MADE(27))
	PARITY(D, E, A, B, C, X0)
	EXTEND(X1, MADE(20), MESSAGE(14), MESSAGE(12), MADE(28))
	PARITY(C, D, E, A, B, X1)
	EXTEND(X2, MADE(21), MESSAGE(15), MESSAGE(13), MADE(29))
	PARITY(B, C, D, E, A, X2)
	EXTEND(X0, MADE(22), MADE(16), MESSAGE(14), MADE(30))
	PARITY(A, B, C, D, E, X0)
	EXTEND(X1, MADE(23), MADE(17), MESSAGE(15), MADE(31))
	PARITY(E, A, B, C, D, X1)
	EXTEND(X2, MADE(24), MADE(18), MADE(16), MADE(32))
	PARITY(D, E, A, B, C, X2)
	EXTEND(X0, MADE(25), MADE(19), MADE(17), MADE(33))
	PARITY(C, D, E, A, B, X0)
	EXTEND(X1, MADE(26), MADE(20), MADE(18), MADE(34))
	PARITY(B, C, D, E, A, X1)
	EXTEND(X2, MADE(27), MADE(21), MADE(19), MADE(35))
	PARITY(A, B, C, D, E, X2)
	EXTEND(X0, MADE(28), MADE(22), MADE(20), MADE(36))
	PARITY(E, A, B, C, D, X0)
	EXTEND(X1, MADE(29), MADE(23), MADE(21), MADE(37))
	PARITY(D, E, A, B, C, X1)
	EXTEND(X2, MADE(30), MADE(24), MADE(22), MADE(38))
	PARITY(C, D, E, A, B, X2)
	EXTEND(X0, MADE(31), MADE(25), MADE(23), MADE(39))
	PARITY(B, C, D, E, A, X0)
	MOVW $0x8F1BBCDC, K
	EXTEND(X1, MADE(32), MADE(26), MADE(24), MADE(40))
	MAJORITY(A, B, C, D, E, X1)
	EXTEND(X2, MADE(33), MADE(27), MADE(25), MADE(41))
	MAJORITY(E, A, B, C, D, X2)
	EXTEND(X0, MADE(34), MADE(28), MADE(26), MADE(42))
	MAJORITY(D, E, A, B, C, X0)
	EXTEND(X1, MADE(35), MADE(29), MADE(27), MADE(43))
	MAJORITY(C, D, E, A, B, X1)
	EXTEND(X2, MADE(36), MADE(30), MADE(28), MADE(44))
	MAJORITY(B, C, D, E, A, X2)
	EXTEND(X0, MADE(37), MADE(31), MADE(29), MADE(45))
	MAJORITY(A, B, C, D, E, X0)
	EXTEND(X1, MADE(38), MADE(32), MADE(30), MADE(46))
	MAJORITY(E, A, B, C, D, X1)
	EXTEND(X2, MADE(39), MADE(33), MADE(31), MADE(47))
	MAJORITY(D, E, A, B, C, X2)
	EXTEND(X0, MADE(40), MADE(34), MADE(32), MADE(48))
	MAJORITY(C, D, E, A, B, X0)
	EXTEND(X1, MADE(41), MADE(35), MADE(33), MADE(49))
	MAJORITY(B, C, D, E, A, X1)
	EXTEND(X2, MADE(42), MADE(36), MADE(34), MADE(50))
	MAJORITY(A, B, C, D, E, X2)
	EXTEND(X0, MADE(43), MADE(37), MADE(35), MADE(51))
	MAJORITY(E, A, B, C, D, X0)
	EXTEND(X1, MADE(44), MADE(38), MADE(36), MADE(52))
	MAJORITY(D, E, A, B, C, X1)
	EXTEND(X2, MADE(45), MADE(39), MADE(37), MADE(53))
	MAJORITY(C, D, E, A, B, X2)
	EXTEND(X0, MADE(46), MADE(40), MADE(38), MADE(54))
	MAJORITY(B, C, D, E, A, X0)
	EXTEND(X1, MADE(47), MADE(41), MADE(39), MADE(55))
	MAJORITY(A, B, C, D, E, X1)
	EXTEND(X2, MADE(48), MADE(42), MADE(40), MADE(56))
	MAJORITY(E, A, B, C, D, X2)
	EXTEND(X0, MADE(49), MADE(43), MADE(41), MADE(57))
	MAJORITY(D, E, A, B, C, X0)
	EXTEND(X1, MADE(50), MADE(44), MADE(42), MADE(58))
	MAJORITY(C, D, E, A, B, X1)
	EXTEND(X2, MADE(51), MADE(45), MADE(43), MADE(59))
	MAJORITY(B, C, D, E, A, X2)
	MOVW $0xCA62C1D6, K
	EXTEND(X0, MADE(52), MADE(46), MADE(44), MADE(60))
	PARITY(A, B, C, D, E, X0)
	EXTEND(X1, MADE(53), MADE(47), MADE(45), MADE(61))
	PARITY(E, A, B, C, D, X1)
	EXTEND(X2, MADE(54), MADE(48), MADE(46), MADE(62))
	PARITY(D, E, A, B, C, X2)
	EXTEND(X0, MADE(55), MADE(49), MADE(47), MADE(63))
	PARITY(C, D, E, A, B, X0)
	EXTEND(X1, MADE(56), MADE(50), MADE(48), MADE(64))
	PARITY(B, C, D, E, A, X1)
	EXTEND(X2, MADE(57), MADE(51), MADE(49), MADE(65))
	PARITY(A, B, C, D, E, X2)
	EXTEND(X0, MADE(58), MADE(52), MADE(50), MADE(66))
	PARITY(E, A, B, C, D, X0)
	EXTEND(X1, MADE(59), MADE(53), MADE(51), MADE(67))
	PARITY(D, E, A, B, C, X1)
	EXTEND(X2, MADE(60), MADE(54), MADE(52), MADE(68))
	PARITY(C, D, E, A, B, X2)
	EXTEND(X0, MADE(61), MADE(55), MADE(53), MADE(69))
	PARITY(B, C, D, E, A, X0)
	EXTEND(X1, MADE(62), MADE(56), MADE(54), MADE(70))
	PARITY(A, B, C, D, E, X1)
	EXTEND(X2, MADE(63), MADE(57), MADE(55), MADE(71))
	PARITY(E, A, B, C, D, X2)
	LAST(X0, MADE(64), MADE(58), MADE(56))
	PARITY(D, E, A, B, C, X0)
	LAST(X1, MADE(65), MADE(59), MADE(57))
	PARITY(C, D, E, A, B, X1)
	LAST(X2, MADE(66), MADE(60), MADE(58))
	PARITY(B, C, D, E, A, X2)
	LAST(X0, MADE(67), MADE(61), MADE(59))
	PARITY(A, B, C, D, E, X0)
	LAST(X1, MADE(68), MADE(62), MADE(60))
	PARITY(E, A, B, C, D, X1)
	LAST(X2, MADE(69), MADE(63), MADE(61))
	PARITY(D, E, A, B, C, X2)
	LAST(X0, MADE(70), MADE(64), MADE(62))
	PARITY(C, D, E, A, B, X0)
	LAST(X1, MADE(71), MADE(65), MADE(63))
	PARITY(B, C, D, E, A, X1)
	MOVW SECOND, L
	MOVW C@>2, C
	MOVW D@>2, D
	CMP $0, L
	BNE both

	// The value after the first block, and on with the second.
	INITIAL(0x67452301, A, 0)
	INITIAL(0xEFCDAB89, B, 1)
	INITIAL(0x98BADCFE, C, 2)
	INITIAL(0x10325476, D, 3)
	MOVW $0xC3D2E1F0, T
	ADD E@>2, T, E
	MOVW C@>30, C
	MOVW D@>30, D
	MOVW E@>30, E
	MOVW $0x5A827999, K
	MOVW K, SECOND
	ADD $64, PTR
	JMP block

both:
	MOVW sum+4(FP), PTR
	GIVE(A, 0)
	GIVE(B, 1)
	GIVE(C, 2)
	GIVE(D, 3)
	RET
