//go:build !purego

#include "textflag.h"

// A step of the key set-up needs S[i], which one of the steps before may just
// have stored as its S[j]. The processor may guess that none did and load early;
// when the guess was wrong it has to start again, which costs more than the
// step. With 256 entries and dozens of steps on the way at a time it is wrong
// too often. So the next five values of S[i] are in registers, loaded early, but
// never earlier than the store of the step before last: the load's address has
// a zero added to it that the step before only knows once it knows its j. What
// remains is a store to S[j] with j among i+1 to i+4, in 4 steps of 256: a branch
// that is otherwise not taken patches the register that mirrors S[j].

// KEYSTEP is step i = k + a multiple of 16 of the key set-up. DI is the
// permutation, SI points to its entry i-k, R12 is k-i, R11 points to the key of
// this block, CX is j, and a holds S[i]. z becomes zero when j is known; late is
// the z of the step before.
#define KEYSTEP(k, a, z, late, hit, back) \
	MOVBLZX k(R11), DX              \
	ADDB a, DX                      \
	ADDB DX, CX                     \
	LEAL -(k+1)(CX)(R12*1), DX      \
	CMPB DX, $4                     \
	JCS hit                         \
	SBBL z, z                       \
back: \
	MOVBLZX (DI)(CX*1), DX          \
	MOVB a, (DI)(CX*1)              \
	MOVB DX, k(SI)                  \
	MOVBLZX (k+5)(SI)(late*1), a

// KEYPATCH is the branch of KEYSTEP: DX is j-i-1, which is 0 to 3, and a, the
// value stored, replaces one of a1 to a4.
#define KEYPATCH(hit, back, z, a, a1, a2, a3, a4) \
hit: \
	TESTB DX, DX    \
	CMOVLEQ a, a1   \
	CMPB DX, $1     \
	CMOVLEQ a, a2   \
	CMPB DX, $2     \
	CMOVLEQ a, a3   \
	CMPB DX, $3     \
	CMOVLEQ a, a4   \
	XORL z, z       \
	JMP back

// IDENTITY stores the next 16 entries of the identity permutation.
#define IDENTITY(at) \
	MOVOU X0, at(DI) \
	PADDB X1, X0

// func setKey(perm, key *byte, stride int)
//
// The look-ahead reads, but does not use, five bytes past the permutation.
TEXT ·setKey(SB), NOSPLIT, $8-24
	MOVQ perm+0(FP), DI
	MOVQ key+8(FP), R11
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

	XORL CX, CX
	XORL R12, R12
	XORL BP, BP
	XORL R15, R15
	MOVQ DI, SI
	XORL AX, AX
	MOVL $1, R8
	MOVL $2, R9
	MOVL $3, R10
	MOVL $4, BX

	PCALIGN $64
block:
	KEYSTEP(0, AX, R15, BP, hit0, back0)
	KEYSTEP(1, R8, BP, R15, hit1, back1)
	KEYSTEP(2, R9, R15, BP, hit2, back2)
	KEYSTEP(3, R10, BP, R15, hit3, back3)
	KEYSTEP(4, BX, R15, BP, hit4, back4)
	KEYSTEP(5, AX, BP, R15, hit5, back5)
	KEYSTEP(6, R8, R15, BP, hit6, back6)
	KEYSTEP(7, R9, BP, R15, hit7, back7)
	KEYSTEP(8, R10, R15, BP, hit8, back8)
	KEYSTEP(9, BX, BP, R15, hit9, back9)
	KEYSTEP(10, AX, R15, BP, hit10, back10)
	KEYSTEP(11, R8, BP, R15, hit11, back11)
	KEYSTEP(12, R9, R15, BP, hit12, back12)
	KEYSTEP(13, R10, BP, R15, hit13, back13)
	KEYSTEP(14, BX, R15, BP, hit14, back14)
	KEYSTEP(15, AX, BP, R15, hit15, back15)
	// Sixteen steps are three rounds of five registers and one step: S[i] is now in R8.
	MOVL AX, DX
	MOVL R8, AX
	MOVL R9, R8
	MOVL R10, R9
	MOVL BX, R10
	MOVL DX, BX
	ADDQ R13, R11
	ADDQ $16, SI
	SUBL $16, R12
	CMPL R12, $-256
	JNE block
	RET

	KEYPATCH(hit0, back0, R15, AX, R8, R9, R10, BX)
	KEYPATCH(hit1, back1, BP, R8, R9, R10, BX, AX)
	KEYPATCH(hit2, back2, R15, R9, R10, BX, AX, R8)
	KEYPATCH(hit3, back3, BP, R10, BX, AX, R8, R9)
	KEYPATCH(hit4, back4, R15, BX, AX, R8, R9, R10)
	KEYPATCH(hit5, back5, BP, AX, R8, R9, R10, BX)
	KEYPATCH(hit6, back6, R15, R8, R9, R10, BX, AX)
	KEYPATCH(hit7, back7, BP, R9, R10, BX, AX, R8)
	KEYPATCH(hit8, back8, R15, R10, BX, AX, R8, R9)
	KEYPATCH(hit9, back9, BP, BX, AX, R8, R9, R10)
	KEYPATCH(hit10, back10, R15, AX, R8, R9, R10, BX)
	KEYPATCH(hit11, back11, BP, R8, R9, R10, BX, AX)
	KEYPATCH(hit12, back12, R15, R9, R10, BX, AX, R8)
	KEYPATCH(hit13, back13, BP, R10, BX, AX, R8, R9)
	KEYPATCH(hit14, back14, R15, BX, AX, R8, R9, R10)
	KEYPATCH(hit15, back15, BP, AX, R8, R9, R10, BX)

// func widen(words *[256]uint32, perm *byte)
TEXT ·widen(SB), NOSPLIT, $0-16
	MOVQ words+0(FP), BX
	MOVQ perm+8(FP), DI
	LEAQ 256(DI), SI
	PXOR X7, X7
more:
	MOVOU (DI), X0
	MOVO X0, X2
	PUNPCKLBW X7, X0
	PUNPCKHBW X7, X2
	MOVO X0, X1
	MOVO X2, X3
	PUNPCKLWL X7, X0
	PUNPCKHWL X7, X1
	PUNPCKLWL X7, X2
	PUNPCKHWL X7, X3
	MOVOU X0, (BX)
	MOVOU X1, 16(BX)
	MOVOU X2, 32(BX)
	MOVOU X3, 48(BX)
	ADDQ $16, DI
	ADDQ $64, BX
	CMPQ DI, SI
	JNE more
	RET
