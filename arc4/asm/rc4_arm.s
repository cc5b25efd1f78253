//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// A byte in the upper eight bits of a word needs no mask: a sum wraps by itself,
// and a load or store shifts its index down. So the permutation is in words, and
// so are i and j. That is eight instructions a step, all of them in ARMv5. The
// output byte goes from there to its place in a word of the buffer with a shift
// too.
//
// Each step carries instructions of the one before: no value is used by the
// next two instructions after its load.
//
// W3 is the link register, so the routines have a frame, in which it is kept.
//
// Words of the buffer are only loaded and stored where they are aligned: ARMv5
// has nothing else, and later ones may be told to fault.

#define PERM   R0 // the permutation
#define IP  R1 // points to entry i as it was at the start of a block
#define I   R2
#define J   R3
#define A   R4 // S[i]
#define B   R5 // S[j]
#define T   R6 // the output byte, and its index before
#define SRC R7
#define DST R8
#define W0  R9 // four words of the buffer
#define W1  R11
#define W2  R12
#define W3  R14
#define KEY R7
#define STRIDE R8
#define END R2

// IDENTITY stores four entries of the identity permutation.
#define IDENTITY \
	MOVM.IA.W [R9, R11, R12, R14], (IP) \
	ADD $0x04000000, W0                 \
	ADD $0x04000000, W1                 \
	ADD $0x04000000, W2                 \
	ADD $0x04000000, W3

// KEYSTEP is step k of a block of the key set-up, whose key byte is in T.
#define KEYSTEP(k) \
	ADD T<<24, J            \
	ADD A, J                \
	MOVW J>>22(PERM), B     \
	MOVW A, J>>22(PERM)     \
	MOVW (4*(k)+4)(IP), A   \
	MOVW B, (4*(k))(IP)

// KEYSTEPS is KEYSTEP, and loads the next step's key byte.
#define KEYSTEPS(k) \
	ADD T<<24, J            \
	ADD A, J                \
	MOVW J>>22(PERM), B     \
	MOVBU (k+1)(KEY), T     \
	MOVW A, J>>22(PERM)     \
	MOVW (4*(k)+4)(IP), A   \
	MOVW B, (4*(k))(IP)

// func setKey(perm *[256]uint32, key *byte, stride int)
TEXT ·setKey(SB), NOSPLIT, $4-12
	MOVW perm+0(FP), PERM
	MOVW $0, W0
	MOVW $0x01000000, W1
	MOVW $0x02000000, W2
	MOVW $0x03000000, W3
	MOVW PERM, IP
	ADD $1024, PERM, END
identity:
	IDENTITY
	IDENTITY
	IDENTITY
	IDENTITY
	CMP END, IP
	BNE identity

	MOVW key+4(FP), KEY
	MOVW stride+8(FP), STRIDE
	MOVW PERM, IP
	MOVW $0, J
	MOVW $0, A
key:
	MOVBU (KEY), T
	KEYSTEPS(0)
	KEYSTEPS(1)
	KEYSTEPS(2)
	KEYSTEPS(3)
	KEYSTEPS(4)
	KEYSTEPS(5)
	KEYSTEPS(6)
	KEYSTEPS(7)
	KEYSTEPS(8)
	KEYSTEPS(9)
	KEYSTEPS(10)
	KEYSTEPS(11)
	KEYSTEPS(12)
	KEYSTEPS(13)
	KEYSTEPS(14)
	ADD STRIDE, KEY
	KEYSTEP(15)
	ADD $64, IP
	CMP END, IP
	BNE key
	RET

// STEP is a step whose S[i] is at cur; the next one's is loaded from next. Before
// the index of its own output byte replaces that of the step before in T, it XORs
// that one, shifted to its place, onto a word of the buffer.
#define STEP(cur, next, out, word) \
	ADD A, J                \
	MOVW J>>22(PERM), B     \
	EOR out, word           \
	MOVW A, J>>22(PERM)     \
	ADD A, B, T             \
	MOVW next, A            \
	MOVW B, cur             \
	MOVW T>>22(PERM), T

// STEPBYTE is STEP with a byte of the buffer, which it stores, and loads another.
#define STEPBYTE(cur, next) \
	ADD A, J                \
	MOVW J>>22(PERM), B     \
	EOR T>>24, W0           \
	MOVW A, J>>22(PERM)     \
	ADD A, B, T             \
	MOVB.P W0, 1(DST)       \
	MOVW next, A            \
	MOVBU.P 1(SRC), W0      \
	MOVW B, cur             \
	MOVW T>>22(PERM), T

// SINGLE is a step with a byte of the buffer, by itself.
#define SINGLE \
	ADD $0x01000000, I      \
	MOVW I>>22(PERM), A     \
	MOVBU.P 1(SRC), W0      \
	ADD A, J                \
	MOVW J>>22(PERM), B     \
	MOVW A, J>>22(PERM)     \
	ADD A, B, T             \
	MOVW B, I>>22(PERM)     \
	MOVW T>>22(PERM), T     \
	SUB.S $1, W3            \
	EOR T>>24, W0           \
	MOVB.P W0, 1(DST)

// WRAP moves IP on by 16 entries, after which it may wrap.
#define WRAP \
	ADD $0x10000000, I      \
	ADD I>>22, PERM, IP

// func xorBytes(s *words, dst, src *byte, n int)
//
// Blocks of 16 bytes go from any i at which the permutation does not wrap before
// a block's last entry, once the buffer is aligned if it can be. The bytes
// between such runs, and the last ones, go one at a time.
TEXT ·xorBytes(SB), NOSPLIT, $4-16
	MOVW s+0(FP), PERM
	MOVW dst+4(FP), DST
	MOVW src+8(FP), SRC
	MOVW n+12(FP), W3
	MOVW words_i(PERM), I
	MOVW words_j(PERM), J

more:
	CMP $16, W3
	BLO tail
	EOR SRC, DST, T
	TST $3, T
	BNE run
	TST $3, SRC
	BNE single

run:
	// The blocks before the permutation wraps, or the bytes end.
	MVN I, T
	MOVW T>>24, T
	ADD $1, T
	MOVW.S T>>4, T
	BEQ single
	MOVW W3>>4, B
	CMP T, B
	MOVW.LO B, T
	SUB T<<4, W3
	MOVW W3, n+12(FP)
	ADD T<<4, SRC, B
	MOVW B, end-4(SP)
	ADD I>>22, PERM, IP
	MOVW 4(IP), A
	ORR SRC, DST, T
	TST $3, T
	BNE unaligned

aligned:
	MOVM.IA.W (SRC), [R9, R11, R12, R14]
	// The first step has none before it.
	ADD A, J
	MOVW J>>22(PERM), B
	MOVW A, J>>22(PERM)
	ADD A, B, T
	MOVW 8(IP), A
	MOVW B, 4(IP)
	MOVW T>>22(PERM), T
	STEP(8(IP), 12(IP), T>>24, W0)
	STEP(12(IP), 16(IP), T>>16, W0)
	STEP(16(IP), 20(IP), T>>8, W0)
	STEP(20(IP), 24(IP), T, W0)
	STEP(24(IP), 28(IP), T>>24, W1)
	STEP(28(IP), 32(IP), T>>16, W1)
	STEP(32(IP), 36(IP), T>>8, W1)
	STEP(36(IP), 40(IP), T, W1)
	STEP(40(IP), 44(IP), T>>24, W2)
	STEP(44(IP), 48(IP), T>>16, W2)
	STEP(48(IP), 52(IP), T>>8, W2)
	STEP(52(IP), 56(IP), T, W2)
	STEP(56(IP), 60(IP), T>>24, W3)
	ADD A, J
	MOVW J>>22(PERM), B
	EOR T>>16, W3
	MOVW A, J>>22(PERM)
	ADD A, B, T
	MOVW B, 60(IP)
	WRAP
	MOVW (IP), A
	MOVW T>>22(PERM), T
	STEP((IP), 4(IP), T>>8, W3)
	MOVW end-4(SP), B
	EOR T, W3
	MOVM.IA.W [R9, R11, R12, R14], (DST)
	CMP B, SRC
	BNE aligned
	JMP ran

unaligned:
	MOVBU.P 1(SRC), W0
	ADD A, J
	MOVW J>>22(PERM), B
	MOVW A, J>>22(PERM)
	ADD A, B, T
	MOVW 8(IP), A
	MOVW B, 4(IP)
	MOVW T>>22(PERM), T
	STEPBYTE(8(IP), 12(IP))
	STEPBYTE(12(IP), 16(IP))
	STEPBYTE(16(IP), 20(IP))
	STEPBYTE(20(IP), 24(IP))
	STEPBYTE(24(IP), 28(IP))
	STEPBYTE(28(IP), 32(IP))
	STEPBYTE(32(IP), 36(IP))
	STEPBYTE(36(IP), 40(IP))
	STEPBYTE(40(IP), 44(IP))
	STEPBYTE(44(IP), 48(IP))
	STEPBYTE(48(IP), 52(IP))
	STEPBYTE(52(IP), 56(IP))
	STEPBYTE(56(IP), 60(IP))
	ADD A, J
	MOVW J>>22(PERM), B
	EOR T>>24, W0
	MOVW A, J>>22(PERM)
	ADD A, B, T
	MOVB.P W0, 1(DST)
	MOVW B, 60(IP)
	WRAP
	MOVBU.P 1(SRC), W0
	MOVW (IP), A
	MOVW T>>22(PERM), T
	STEPBYTE((IP), 4(IP))
	MOVW end-4(SP), B
	EOR T>>24, W0
	MOVB.P W0, 1(DST)
	CMP B, SRC
	BNE unaligned

ran:
	MOVW n+12(FP), W3
	CMP $0, W3
	BNE more
	JMP done

single:
	// One byte at a time until a run can begin, or until it is sensible to ask.
	SINGLE
	BEQ done
	TST $3, SRC
	BNE single
	JMP more

tail:
	SINGLE
	BNE tail

done:
	MOVW I, words_i(PERM)
	MOVW J, words_j(PERM)
	RET
