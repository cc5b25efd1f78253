//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "bytes_amd64.h"

// OUT fetches the output byte whose index is in a into byte n of X0, and then
// S[i+4] into a.
#define OUT(a, next, n) \
	PINSRB $n, (DI)(a*1), X0 \
	MOVBLZX next, a

// func xorBytesSSE41(s *perm, dst, src *byte, n int)
TEXT ·xorBytesSSE41(SB), NOSPLIT, $0-32
	ARGUMENTS
	SINGLES(more, single, blocks, done)

blocks:
	LOOKAHEAD

	PCALIGN $64
block:
	NEXTBLOCK
	PXOR X0, X0
	SWAP(0, AX, 0(SI), hit0, back0)
	OUT(AX, 4(SI), 0)
	SWAP(1, R8, 1(SI), hit1, back1)
	OUT(R8, 5(SI), 1)
	SWAP(2, R9, 2(SI), hit2, back2)
	OUT(R9, 6(SI), 2)
	SWAP(3, R10, 3(SI), hit3, back3)
	OUT(R10, 7(SI), 3)
	SWAP(4, AX, 4(SI), hit4, back4)
	OUT(AX, 8(SI), 4)
	SWAP(5, R8, 5(SI), hit5, back5)
	OUT(R8, 9(SI), 5)
	SWAP(6, R9, 6(SI), hit6, back6)
	OUT(R9, 10(SI), 6)
	SWAP(7, R10, 7(SI), hit7, back7)
	OUT(R10, 11(SI), 7)
	SWAP(8, AX, 8(SI), hit8, back8)
	OUT(AX, 12(SI), 8)
	SWAP(9, R8, 9(SI), hit9, back9)
	OUT(R8, 13(SI), 9)
	SWAP(10, R9, 10(SI), hit10, back10)
	OUT(R9, 14(SI), 10)
	SWAP(11, R10, 11(SI), hit11, back11)
	OUT(R10, -1(R11), 11)
	SWAP(12, AX, 12(SI), hit12, back12)
	OUT(AX, 0(R11), 12)
	SWAP(13, R8, 13(SI), hit13, back13)
	OUT(R8, 1(R11), 13)
	SWAP(14, R9, 14(SI), hit14, back14)
	OUT(R9, 2(R11), 14)
	SWAP(15, R10, -1(R11), hit15, back15)
	OUT(R10, 3(R11), 15)
	MOVOU (BX), X1
	PXOR X1, X0
	MOVOU X0, (R15)
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
