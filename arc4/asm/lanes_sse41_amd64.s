//go:build !purego

#include "textflag.h"
#include "lanes_amd64.h"

// ROW is the same step of all lanes; the output bytes go to byte n of X0 to X5.
#define ROW(at, n) \
	LANE(0*LANE_SIZE, at, I0, J0)            \
	PINSRB $n, (0*LANE_SIZE)(DI)(AX*1), X0 \
	LANE(1*LANE_SIZE, at, I1, J1)            \
	PINSRB $n, (1*LANE_SIZE)(DI)(AX*1), X1 \
	LANE(2*LANE_SIZE, at, I2, J2)            \
	PINSRB $n, (2*LANE_SIZE)(DI)(AX*1), X2 \
	LANE(3*LANE_SIZE, at, I3, J3)            \
	PINSRB $n, (3*LANE_SIZE)(DI)(AX*1), X3 \
	LANE(4*LANE_SIZE, at, I4, J4)            \
	PINSRB $n, (4*LANE_SIZE)(DI)(AX*1), X4 \
	LANE(5*LANE_SIZE, at, I5, J5)            \
	PINSRB $n, (5*LANE_SIZE)(DI)(AX*1), X5

// FINISH XORs a lane's block.
#define FINISH(l, x) \
	MOVQ (lane_src+(16*l))(SP), DX \
	MOVOU (DX)(AX*1), X7           \
	PXOR X7, x                     \
	MOVQ (lane_dst+(16*l))(SP), DX \
	MOVOU x, (DX)(AX*1)

// func xorLanesSSE41(lanes *lane, dst, src *[]byte, blocks int)
//
// The frame holds a pointer to each lane's dst and src, how far the lanes are in
// them, and how many blocks are left.
TEXT ·xorLanesSSE41(SB), NOSPLIT, $120-32
	MOVQ lanes+0(FP), DI
	MOVQ dst+8(FP), AX
	MOVQ src+16(FP), DX
	POINTERS(0)
	POINTERS(1)
	POINTERS(2)
	POINTERS(3)
	POINTERS(4)
	POINTERS(5)
	MOVQ $0, (done)(SP)
	MOVQ blocks+24(FP), AX
	MOVQ AX, (left)(SP)
	LOADLANES6

	PCALIGN $64
block:
	PXOR X0, X0
	PXOR X1, X1
	PXOR X2, X2
	PXOR X3, X3
	PXOR X4, X4
	PXOR X5, X5
	ROW(1, 0)
	ROW(2, 1)
	ROW(3, 2)
	ROW(4, 3)
	ROW(5, 4)
	ROW(6, 5)
	ROW(7, 6)
	ROW(8, 7)
	ROW(9, 8)
	ROW(10, 9)
	ROW(11, 10)
	ROW(12, 11)
	ROW(13, 12)
	ROW(14, 13)
	ROW(15, 14)
	NEXTBLOCK6
	ROW(0, 15)
	MOVQ (done)(SP), AX
	FINISH(0, X0)
	FINISH(1, X1)
	FINISH(2, X2)
	FINISH(3, X3)
	FINISH(4, X4)
	FINISH(5, X5)
	ADDQ $16, AX
	MOVQ AX, (done)(SP)
	DECQ (left)(SP)
	JNE block
	STORELANES6
	RET
