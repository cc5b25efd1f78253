//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// A step of RC4 loads S[i], which the step before may just have stored as its
// S[j]. A processor that has to wait for that store's address to be sure spends
// most of its time waiting. So both routines keep S[i] to S[i+3] in registers,
// loaded early, and look after the one case that goes wrong: a store to S[j]
// with j among i+1, i+2, i+3. It happens in 3 steps of 256, in a branch that is
// otherwise not taken, and patches the register that mirrors S[j].

// PATCH is that branch: DX is j-i-1, which is 0, 1 or 2, and a, the value
// stored, replaces a1, a2 or a3.
#define PATCH(hit, back, a, a1, a2, a3) \
hit: \
	TESTB DX, DX    \
	CMOVLEQ a, a1   \
	CMPB DX, $1     \
	CMOVLEQ a, a2   \
	CMPB DX, $2     \
	CMOVLEQ a, a3   \
	JMP back

// KEYSTEP is step i = k + a multiple of 16 of the key set-up, on a permutation
// of bytes. DI is the permutation, SI points to its entry i-k, R12 is k-i, R11
// points to the key of this block, CX is j, and a holds S[i].
#define KEYSTEP(k, a, hit, back) \
	MOVBLZX k(R11), DX              \
	ADDB a, DX                      \
	ADDB DX, CX                     \
	LEAL -(k+1)(CX)(R12*1), DX      \
	CMPB DX, $3                     \
	JCS hit                         \
back: \
	MOVBLZX (DI)(CX*1), DX          \
	MOVB a, (DI)(CX*1)              \
	MOVB DX, k(SI)                  \
	MOVBLZX (k+4)(SI), a

// IDENTITY stores the next 16 entries of the identity permutation.
#define IDENTITY(at) \
	MOVOU X0, at(DI) \
	PADDB X1, X0

// func setKey(perm *[256]uint32, key *byte, stride int)
//
// The permutation is made as bytes on the stack and then widened: bytes are
// sooner initialised, and the set-up is faster on them. The look-ahead reads,
// but does not use, three bytes past the permutation.
TEXT ·setKey(SB), NOSPLIT, $272-24
	MOVQ key+8(FP), R11
	MOVQ stride+16(FP), R13
	LEAQ narrow-272(SP), DI

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
	MOVQ DI, SI
	XORL AX, AX
	MOVL $1, R8
	MOVL $2, R9
	MOVL $3, R10

	PCALIGN $32
key:
	KEYSTEP(0, AX, keyhit0, keyback0)
	KEYSTEP(1, R8, keyhit1, keyback1)
	KEYSTEP(2, R9, keyhit2, keyback2)
	KEYSTEP(3, R10, keyhit3, keyback3)
	KEYSTEP(4, AX, keyhit4, keyback4)
	KEYSTEP(5, R8, keyhit5, keyback5)
	KEYSTEP(6, R9, keyhit6, keyback6)
	KEYSTEP(7, R10, keyhit7, keyback7)
	KEYSTEP(8, AX, keyhit8, keyback8)
	KEYSTEP(9, R8, keyhit9, keyback9)
	KEYSTEP(10, R9, keyhit10, keyback10)
	KEYSTEP(11, R10, keyhit11, keyback11)
	KEYSTEP(12, AX, keyhit12, keyback12)
	KEYSTEP(13, R8, keyhit13, keyback13)
	KEYSTEP(14, R9, keyhit14, keyback14)
	KEYSTEP(15, R10, keyhit15, keyback15)
	ADDQ R13, R11
	ADDQ $16, SI
	SUBL $16, R12
	CMPL R12, $-256
	JNE key

	MOVQ perm+0(FP), BX
	LEAQ 256(DI), SI
	PXOR X7, X7
widen:
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
	JNE widen
	RET

	PATCH(keyhit0, keyback0, AX, R8, R9, R10)
	PATCH(keyhit1, keyback1, R8, R9, R10, AX)
	PATCH(keyhit2, keyback2, R9, R10, AX, R8)
	PATCH(keyhit3, keyback3, R10, AX, R8, R9)
	PATCH(keyhit4, keyback4, AX, R8, R9, R10)
	PATCH(keyhit5, keyback5, R8, R9, R10, AX)
	PATCH(keyhit6, keyback6, R9, R10, AX, R8)
	PATCH(keyhit7, keyback7, R10, AX, R8, R9)
	PATCH(keyhit8, keyback8, AX, R8, R9, R10)
	PATCH(keyhit9, keyback9, R8, R9, R10, AX)
	PATCH(keyhit10, keyback10, R9, R10, AX, R8)
	PATCH(keyhit11, keyback11, R10, AX, R8, R9)
	PATCH(keyhit12, keyback12, AX, R8, R9, R10)
	PATCH(keyhit13, keyback13, R8, R9, R10, AX)
	PATCH(keyhit14, keyback14, R9, R10, AX, R8)
	PATCH(keyhit15, keyback15, R10, AX, R8, R9)

// STEP is step k of a block: i is x+k+1, where R12 is -x and a holds S[i]. DI is
// the permutation and CX is j; cur is the place of S[i], next that of S[i+4].
// The output byte goes to a word of out.
#define STEP(k, a, cur, next, lane, out, hit, back) \
	ADDB a, CX                      \
	LEAL -(k+2)(CX)(R12*1), DX      \
	CMPB DX, $3                     \
	JCS hit                         \
back: \
	MOVL (DI)(CX*4), DX             \
	MOVL a, (DI)(CX*4)              \
	MOVL DX, cur                    \
	ADDB DX, a                      \
	PINSRW $lane, (DI)(a*4), out    \
	MOVL next, a

// func xorKeyStream(s *State, dst, src *byte, n int)
//
// Blocks of 16 bytes start where i is a multiple of 16, as with a fresh key, so
// that the permutation wraps only at a block's last entry. The bytes before and
// after go one at a time.
//
// R12 is -i, CX j, R13 the bytes left, BX src and R15 dst.
TEXT ·xorKeyStream(SB), NOSPLIT, $0-32
	MOVQ s+0(FP), DI
	MOVQ dst+8(FP), R15
	MOVQ src+16(FP), BX
	MOVQ n+24(FP), R13
	MOVL State_i(DI), R12
	MOVL State_j(DI), CX

more:
	CMPQ R13, $16
	JCS single
	TESTL $15, R12
	JEQ aligned

single:
	INCB R12
	MOVL (DI)(R12*4), AX
	ADDB AX, CX
	MOVL (DI)(CX*4), DX
	MOVL AX, (DI)(CX*4)
	MOVL DX, (DI)(R12*4)
	ADDB DX, AX
	MOVL (DI)(AX*4), AX
	XORB (BX), AX
	MOVB AX, (R15)
	INCQ BX
	INCQ R15
	DECQ R13
	JNE more
	JMP done

aligned:
	LEAQ 4(DI)(R12*4), SI
	MOVL (SI), AX
	MOVL 4(SI), R8
	MOVL 8(SI), R9
	MOVL 12(SI), R10
	NEGL R12

	PCALIGN $32
block:
	// SI points to entry x+1 and R11 to entry x+17, in which x+16 has wrapped.
	MOVL $16, R11
	SUBL R12, R11
	MOVBLZX R11, R11
	LEAQ 4(DI)(R11*4), R11
	PXOR X0, X0
	PXOR X1, X1
	STEP(0, AX, 0(SI), 16(SI), 0, X0, hit0, back0)
	STEP(1, R8, 4(SI), 20(SI), 0, X1, hit1, back1)
	STEP(2, R9, 8(SI), 24(SI), 1, X0, hit2, back2)
	STEP(3, R10, 12(SI), 28(SI), 1, X1, hit3, back3)
	STEP(4, AX, 16(SI), 32(SI), 2, X0, hit4, back4)
	STEP(5, R8, 20(SI), 36(SI), 2, X1, hit5, back5)
	STEP(6, R9, 24(SI), 40(SI), 3, X0, hit6, back6)
	STEP(7, R10, 28(SI), 44(SI), 3, X1, hit7, back7)
	STEP(8, AX, 32(SI), 48(SI), 4, X0, hit8, back8)
	STEP(9, R8, 36(SI), 52(SI), 4, X1, hit9, back9)
	STEP(10, R9, 40(SI), 56(SI), 5, X0, hit10, back10)
	STEP(11, R10, 44(SI), -4(R11), 5, X1, hit11, back11)
	STEP(12, AX, 48(SI), 0(R11), 6, X0, hit12, back12)
	STEP(13, R8, 52(SI), 4(R11), 6, X1, hit13, back13)
	STEP(14, R9, 56(SI), 8(R11), 7, X0, hit14, back14)
	STEP(15, R10, -4(R11), 12(R11), 7, X1, hit15, back15)
	PSLLW $8, X1
	POR X1, X0
	MOVOU (BX), X1
	PXOR X1, X0
	MOVOU X0, (R15)
	ADDQ $16, BX
	ADDQ $16, R15
	MOVQ R11, SI
	SUBL $16, R12
	SUBQ $16, R13
	CMPQ R13, $16
	JCC block

	NEGL R12
	MOVBLZX R12, R12
	TESTQ R13, R13
	JNE single

done:
	MOVL R12, State_i(DI)
	MOVL CX, State_j(DI)
	RET

	PATCH(hit0, back0, AX, R8, R9, R10)
	PATCH(hit1, back1, R8, R9, R10, AX)
	PATCH(hit2, back2, R9, R10, AX, R8)
	PATCH(hit3, back3, R10, AX, R8, R9)
	PATCH(hit4, back4, AX, R8, R9, R10)
	PATCH(hit5, back5, R8, R9, R10, AX)
	PATCH(hit6, back6, R9, R10, AX, R8)
	PATCH(hit7, back7, R10, AX, R8, R9)
	PATCH(hit8, back8, AX, R8, R9, R10)
	PATCH(hit9, back9, R8, R9, R10, AX)
	PATCH(hit10, back10, R9, R10, AX, R8)
	PATCH(hit11, back11, R10, AX, R8, R9)
	PATCH(hit12, back12, AX, R8, R9, R10)
	PATCH(hit13, back13, R8, R9, R10, AX)
	PATCH(hit14, back14, R9, R10, AX, R8)
	PATCH(hit15, back15, R10, AX, R8, R9)
