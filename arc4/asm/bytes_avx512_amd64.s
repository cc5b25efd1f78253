//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "bytes_amd64.h"

// OUT fetches the output byte whose index is in a into the place in x that mask
// k selects, and then S[i+4] into a. FIRSTOUT need not preserve what is in x.
#define OUT(a, next, k, x) \
	VPBROADCASTB (DI)(a*1), k, x \
	MOVBLZX next, a

#define FIRSTOUT(a, next, x) \
	VPBROADCASTB (DI)(a*1), x \
	MOVBLZX next, a

// func xorBytesAVX512(s *perm, dst, src *byte, n int)
TEXT ·xorBytesAVX512(SB), NOSPLIT, $0-32
	ARGUMENTS
	SINGLES(more, single, blocks, done)

blocks:
	LOOKAHEAD
	MOVL $2, DX
	KMOVW DX, K1
	MOVL $4, DX
	KMOVW DX, K2
	MOVL $8, DX
	KMOVW DX, K3
	MOVL $16, DX
	KMOVW DX, K4
	MOVL $32, DX
	KMOVW DX, K5
	MOVL $64, DX
	KMOVW DX, K6
	MOVL $128, DX
	KMOVW DX, K7

	PCALIGN $64
block:
	NEXTBLOCK
	SWAP(0, AX, 0(SI), hit0, back0)
	FIRSTOUT(AX, 4(SI), X0)
	SWAP(1, R8, 1(SI), hit1, back1)
	OUT(R8, 5(SI), K1, X0)
	SWAP(2, R9, 2(SI), hit2, back2)
	OUT(R9, 6(SI), K2, X0)
	SWAP(3, R10, 3(SI), hit3, back3)
	OUT(R10, 7(SI), K3, X0)
	SWAP(4, AX, 4(SI), hit4, back4)
	OUT(AX, 8(SI), K4, X0)
	SWAP(5, R8, 5(SI), hit5, back5)
	OUT(R8, 9(SI), K5, X0)
	SWAP(6, R9, 6(SI), hit6, back6)
	OUT(R9, 10(SI), K6, X0)
	SWAP(7, R10, 7(SI), hit7, back7)
	OUT(R10, 11(SI), K7, X0)
	SWAP(8, AX, 8(SI), hit8, back8)
	FIRSTOUT(AX, 12(SI), X1)
	SWAP(9, R8, 9(SI), hit9, back9)
	OUT(R8, 13(SI), K1, X1)
	SWAP(10, R9, 10(SI), hit10, back10)
	OUT(R9, 14(SI), K2, X1)
	SWAP(11, R10, 11(SI), hit11, back11)
	OUT(R10, -1(R11), K3, X1)
	SWAP(12, AX, 12(SI), hit12, back12)
	OUT(AX, 0(R11), K4, X1)
	SWAP(13, R8, 13(SI), hit13, back13)
	OUT(R8, 1(R11), K5, X1)
	SWAP(14, R9, 14(SI), hit14, back14)
	OUT(R9, 2(R11), K6, X1)
	SWAP(15, R10, -1(R11), hit15, back15)
	OUT(R10, 3(R11), K7, X1)
	VPUNPCKLQDQ X1, X0, X0
	VPXOR (BX), X0, X0
	VMOVDQU X0, (R15)
	ADVANCE(block, single)

done:
	PUTBACK
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
