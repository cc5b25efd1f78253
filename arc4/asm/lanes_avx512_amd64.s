//go:build !purego

#include "textflag.h"
#include "lanes_amd64.h"

// ROW is the same step of all lanes; the output bytes go to the place in a row
// of eight that mask k selects.
#define ROW(at, k, X0_, X1_, X2_, X3_, X4_, X5_) \
	LANE(0*LANE_SIZE, at, I0, J0)            \
	VPBROADCASTB (0*LANE_SIZE)(DI)(AX*1), k, X0_ \
	LANE(1*LANE_SIZE, at, I1, J1)            \
	VPBROADCASTB (1*LANE_SIZE)(DI)(AX*1), k, X1_ \
	LANE(2*LANE_SIZE, at, I2, J2)            \
	VPBROADCASTB (2*LANE_SIZE)(DI)(AX*1), k, X2_ \
	LANE(3*LANE_SIZE, at, I3, J3)            \
	VPBROADCASTB (3*LANE_SIZE)(DI)(AX*1), k, X3_ \
	LANE(4*LANE_SIZE, at, I4, J4)            \
	VPBROADCASTB (4*LANE_SIZE)(DI)(AX*1), k, X4_ \
	LANE(5*LANE_SIZE, at, I5, J5)            \
	VPBROADCASTB (5*LANE_SIZE)(DI)(AX*1), k, X5_

// FIRSTROW is ROW for the first of eight, which need not preserve what is there.
#define FIRSTROW(at, X0_, X1_, X2_, X3_, X4_, X5_) \
	LANE(0*LANE_SIZE, at, I0, J0)            \
	VPBROADCASTB (0*LANE_SIZE)(DI)(AX*1), X0_ \
	LANE(1*LANE_SIZE, at, I1, J1)            \
	VPBROADCASTB (1*LANE_SIZE)(DI)(AX*1), X1_ \
	LANE(2*LANE_SIZE, at, I2, J2)            \
	VPBROADCASTB (2*LANE_SIZE)(DI)(AX*1), X2_ \
	LANE(3*LANE_SIZE, at, I3, J3)            \
	VPBROADCASTB (3*LANE_SIZE)(DI)(AX*1), X3_ \
	LANE(4*LANE_SIZE, at, I4, J4)            \
	VPBROADCASTB (4*LANE_SIZE)(DI)(AX*1), X4_ \
	LANE(5*LANE_SIZE, at, I5, J5)            \
	VPBROADCASTB (5*LANE_SIZE)(DI)(AX*1), X5_

// FINISH XORs a lane's block, whose halves are lo and hi.
#define FINISH(l, lo, hi) \
	VPUNPCKLQDQ hi, lo, lo         \
	MOVQ (lane_src+(16*l))(SP), DX \
	VPXOR (DX)(AX*1), lo, lo       \
	MOVQ (lane_dst+(16*l))(SP), DX \
	VMOVDQU lo, (DX)(AX*1)

// func xorLanesAVX512(lanes *lane, dst, src *[]byte, blocks int)
//
// The frame holds a pointer to each lane's dst and src, how far the lanes are in
// them, and how many blocks are left.
TEXT ·xorLanesAVX512(SB), NOSPLIT, $120-32
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
	MOVL $2, AX
	KMOVW AX, K1
	MOVL $4, AX
	KMOVW AX, K2
	MOVL $8, AX
	KMOVW AX, K3
	MOVL $16, AX
	KMOVW AX, K4
	MOVL $32, AX
	KMOVW AX, K5
	MOVL $64, AX
	KMOVW AX, K6
	MOVL $128, AX
	KMOVW AX, K7

	PCALIGN $64
block:
	FIRSTROW(1, X0, X1, X2, X3, X4, X5)
	ROW(2, K1, X0, X1, X2, X3, X4, X5)
	ROW(3, K2, X0, X1, X2, X3, X4, X5)
	ROW(4, K3, X0, X1, X2, X3, X4, X5)
	ROW(5, K4, X0, X1, X2, X3, X4, X5)
	ROW(6, K5, X0, X1, X2, X3, X4, X5)
	ROW(7, K6, X0, X1, X2, X3, X4, X5)
	ROW(8, K7, X0, X1, X2, X3, X4, X5)
	FIRSTROW(9, X8, X9, X10, X11, X12, X13)
	ROW(10, K1, X8, X9, X10, X11, X12, X13)
	ROW(11, K2, X8, X9, X10, X11, X12, X13)
	ROW(12, K3, X8, X9, X10, X11, X12, X13)
	ROW(13, K4, X8, X9, X10, X11, X12, X13)
	ROW(14, K5, X8, X9, X10, X11, X12, X13)
	ROW(15, K6, X8, X9, X10, X11, X12, X13)
	NEXTBLOCK6
	ROW(0, K7, X8, X9, X10, X11, X12, X13)
	MOVQ (done)(SP), AX
	FINISH(0, X0, X8)
	FINISH(1, X1, X9)
	FINISH(2, X2, X10)
	FINISH(3, X3, X11)
	FINISH(4, X4, X12)
	FINISH(5, X5, X13)
	ADDQ $16, AX
	MOVQ AX, (done)(SP)
	DECQ (left)(SP)
	JNE block
	STORELANES6
	RET
