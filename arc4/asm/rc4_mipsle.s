//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// The cores in routers issue one instruction a cycle and stall when a load is
// followed by its user. So each step carries instructions of its neighbours: no
// value is used by the instruction after its load. Only instructions of the
// first release of MIPS32 appear.

#define S   R4  // the permutation
#define DST R5
#define SRC R6
#define N   R7  // bytes left
#define I   R8
#define J   R9  // its upper 24 bits are garbage within blocks
#define CUR R10 // points to entry I as it was at the start of a block
#define NXT R11 // and as it will be at the end
#define A   R12 // S[i], loaded by the step before
#define B   R13 // S[j]
#define T   R14
#define P   R15
#define Z   R16 // the output byte before it is put into its word
#define W   R17 // the output word
#define IN  R18
#define END R19 // where SRC is after the last whole block
#define KEY R20
#define STRIDE R21

// KEYSTEP is one step of the key set-up; k is its place in a block.
#define KEYSTEP(k) \
	MOVBU k(KEY), T         \
	ADDU A, J               \
	ADDU T, J               \
	AND $255, J, P          \
	ADDU S, P               \
	MOVBU (P), B            \
	MOVB A, (P)             \
	MOVB B, k(CUR)          \
	MOVBU (k+1)(CUR), A

// func setKey(perm *[256]byte, key *byte, stride int)
TEXT ·setKey(SB), NOSPLIT, $0-12
	MOVW perm+0(FP), S
	MOVW key+4(FP), KEY
	MOVW stride+8(FP), STRIDE
	ADDU $256, S, END

	MOVW $0x03020100, A
	MOVW $0x04040404, B
	MOVW S, CUR
identity:
	MOVW A, (CUR)
	ADDU B, A
	MOVW A, 4(CUR)
	ADDU B, A
	ADDU $8, CUR
	BNE CUR, END, identity

	MOVW R0, J
	MOVW S, CUR
	MOVW R0, A
key:
	KEYSTEP(0)
	KEYSTEP(1)
	KEYSTEP(2)
	KEYSTEP(3)
	KEYSTEP(4)
	KEYSTEP(5)
	KEYSTEP(6)
	KEYSTEP(7)
	KEYSTEP(8)
	KEYSTEP(9)
	KEYSTEP(10)
	KEYSTEP(11)
	KEYSTEP(12)
	KEYSTEP(13)
	KEYSTEP(14)
	KEYSTEP(15)
	ADDU STRIDE, KEY
	ADDU $16, CUR
	BNE CUR, END, key
	RET

// STEP makes the output byte of one step in out; cur is the place of S[i] and
// next that of S[i+1].
#define STEP(cur, next, out) \
	ADDU A, J               \
	AND $255, J, P          \
	ADDU S, P               \
	MOVBU (P), B            \
	MOVB A, (P)             \
	ADDU A, B, T            \
	MOVB B, cur             \
	AND $255, T             \
	MOVBU next, A           \
	ADDU S, T               \
	MOVBU (T), out

// JOIN is STEP for Z, and puts the Z of the step before into W.
#define JOIN(shift, cur, next) \
	ADDU A, J               \
	AND $255, J, P          \
	SLL $shift, Z           \
	ADDU S, P               \
	MOVBU (P), B            \
	OR Z, W                 \
	MOVB A, (P)             \
	ADDU A, B, T            \
	MOVB B, cur             \
	AND $255, T             \
	MOVBU next, A           \
	ADDU S, T               \
	MOVBU (T), Z

// WORD makes four bytes of key stream in W and Z.
#define WORD(s0, s1, s2, s3, s4) \
	STEP(s0, s1, W)         \
	STEP(s1, s2, Z)         \
	JOIN(8, s2, s3)         \
	JOIN(16, s3, s4)

// ALIGNED and UNALIGNED XOR such a word onto the four bytes at off.
#define ALIGNED(off) \
	MOVW off(SRC), IN       \
	SLL $24, Z              \
	OR Z, W                 \
	XOR IN, W               \
	MOVW W, off(DST)

#define UNALIGNED(off) \
	MOVWR off(SRC), IN      \
	MOVWL (off+3)(SRC), IN  \
	SLL $24, Z              \
	OR Z, W                 \
	XOR IN, W               \
	MOVWR W, off(DST)       \
	MOVWL W, (off+3)(DST)

// BLOCK begins a block and NEXT ends it. The permutation wraps only at a
// block's last entry.
#define BLOCK \
	ADDU $16, I             \
	AND $255, I             \
	ADDU S, I, NXT

#define NEXT \
	ADDU $16, SRC           \
	ADDU $16, DST           \
	MOVW NXT, CUR

// func xorKeyStream(s *State, dst, src *byte, n int)
//
// Blocks of 16 bytes start where i is a multiple of 16, as with a fresh key.
// The bytes before and after go one at a time.
TEXT ·xorKeyStream(SB), NOSPLIT, $0-16
	MOVW s+0(FP), S
	MOVW dst+4(FP), DST
	MOVW src+8(FP), SRC
	MOVW n+12(FP), N
	MOVW State_i(S), I
	MOVW State_j(S), J

more:
	SGTU $16, N, T
	BNE T, single
	AND $15, I, T
	BEQ T, blocks

single:
	ADDU $1, I
	AND $255, I
	ADDU S, I, CUR
	MOVBU (CUR), A
	MOVBU (SRC), IN
	ADDU A, J
	AND $255, J
	ADDU S, J, P
	MOVBU (P), B
	MOVB A, (P)
	ADDU A, B, T
	MOVB B, (CUR)
	AND $255, T
	ADDU S, T
	MOVBU (T), Z
	ADDU $1, SRC
	ADDU $-1, N
	XOR IN, Z
	MOVB Z, (DST)
	ADDU $1, DST
	BNE N, more
	JMP done

blocks:
	SRL $4, N, T
	SLL $4, T
	ADDU SRC, T, END
	AND $15, N
	ADDU S, I, CUR
	MOVBU 1(CUR), A
	OR SRC, DST, T
	AND $3, T
	BNE T, unaligned

aligned:
	BLOCK
	WORD(1(CUR), 2(CUR), 3(CUR), 4(CUR), 5(CUR))
	ALIGNED(0)
	WORD(5(CUR), 6(CUR), 7(CUR), 8(CUR), 9(CUR))
	ALIGNED(4)
	WORD(9(CUR), 10(CUR), 11(CUR), 12(CUR), 13(CUR))
	ALIGNED(8)
	WORD(13(CUR), 14(CUR), 15(CUR), 0(NXT), 1(NXT))
	ALIGNED(12)
	NEXT
	BNE SRC, END, aligned
	JMP last

unaligned:
	BLOCK
	WORD(1(CUR), 2(CUR), 3(CUR), 4(CUR), 5(CUR))
	UNALIGNED(0)
	WORD(5(CUR), 6(CUR), 7(CUR), 8(CUR), 9(CUR))
	UNALIGNED(4)
	WORD(9(CUR), 10(CUR), 11(CUR), 12(CUR), 13(CUR))
	UNALIGNED(8)
	WORD(13(CUR), 14(CUR), 15(CUR), 0(NXT), 1(NXT))
	UNALIGNED(12)
	NEXT
	BNE SRC, END, unaligned

last:
	BNE N, single

done:
	AND $255, J
	MOVW I, State_i(S)
	MOVW J, State_j(S)
	RET
