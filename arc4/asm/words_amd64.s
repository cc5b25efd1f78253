//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// A step of RC4 loads S[i], which the step before may just have stored as its
// S[j]. A processor that has to wait for that store's address to be sure spends
// most of its time waiting. So S[i] to S[i+3] are kept in registers, loaded
// early, and one case is looked after: a store to S[j] with j among i+1, i+2,
// i+3. It happens in 3 steps of 256, in a branch that is otherwise not taken,
// and patches the register that mirrors S[j].

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

// func xorWords(s *words, dst, src *byte, n int)
//
// Blocks of 16 bytes start where i is a multiple of 16, as with a fresh key, so
// that the permutation wraps only at a block's last entry. The bytes before and
// after go one at a time.
//
// R12 is -i, CX j, R13 the bytes left, BX src and R15 dst.
TEXT ·xorWords(SB), NOSPLIT, $0-32
	MOVQ s+0(FP), DI
	MOVQ dst+8(FP), R15
	MOVQ src+16(FP), BX
	MOVQ n+24(FP), R13
	MOVL words_i(DI), R12
	MOVL words_j(DI), CX

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
	MOVL R12, words_i(DI)
	MOVL CX, words_j(DI)
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
