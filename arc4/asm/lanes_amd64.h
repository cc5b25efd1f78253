// Six streams side by side, on permutations of bytes that lie LANE_SIZE apart.
//
// A step of one stream waits for its loads; six together have enough to do
// meanwhile, and a load that runs ahead of a store it cannot see yet finds that
// store in another stream's permutation. So none of what a single stream needs,
// looking ahead and patching, is there.
//
// DI is the first lane's permutation. Each lane has its own index, so that a
// lane can begin with a new key while the others go on: a pointer to S[x], where
// x, a multiple of 16, is i before the block. AX and DX are scratch.

#define LANE_SIZE 320

#define J0 BX
#define J1 CX
#define J2 SI
#define J3 R8
#define J4 R9
#define J5 R10
#define I0 R11
#define I1 R12
#define I2 R13
#define I3 R14
#define I4 R15
#define I5 BP

// LANE is a step of the lane whose permutation is at S: S[i] is at p+at. It
// leaves the index of the output byte in AX.
#define LANE(S, at, p, j) \
	MOVBLZX (at)(p), AX      \
	ADDB AX, j               \
	MOVBLZX (S)(DI)(j*1), DX \
	MOVB AX, (S)(DI)(j*1)    \
	MOVB DX, (at)(p)         \
	ADDB DX, AX

// LOADLANE and STORELANE fetch and put back a lane's i and j, which follow its
// permutation.
#define LOADLANE(S, p, j) \
	MOVL ((S)+256)(DI), p  \
	LEAQ (S)(DI)(p*1), p   \
	MOVL ((S)+260)(DI), j

#define STORELANE(S, p, j) \
	SUBQ DI, p             \
	SUBL $(S), p           \
	MOVL p, ((S)+256)(DI)  \
	MOVL j, ((S)+260)(DI)

// NEXTBLOCK moves a lane on by a block. The last step of a block comes after it,
// because i wraps to 0 in every sixteenth block.
#define NEXTBLOCK(S, p) \
	LEAQ (16-(S))(p), AX   \
	SUBQ DI, AX            \
	MOVBLZX AX, AX         \
	LEAQ (S)(DI)(AX*1), p

#define LOADLANES6 \
	LOADLANE(0*LANE_SIZE, I0, J0) \
	LOADLANE(1*LANE_SIZE, I1, J1) \
	LOADLANE(2*LANE_SIZE, I2, J2) \
	LOADLANE(3*LANE_SIZE, I3, J3) \
	LOADLANE(4*LANE_SIZE, I4, J4) \
	LOADLANE(5*LANE_SIZE, I5, J5)

#define STORELANES6 \
	STORELANE(0*LANE_SIZE, I0, J0) \
	STORELANE(1*LANE_SIZE, I1, J1) \
	STORELANE(2*LANE_SIZE, I2, J2) \
	STORELANE(3*LANE_SIZE, I3, J3) \
	STORELANE(4*LANE_SIZE, I4, J4) \
	STORELANE(5*LANE_SIZE, I5, J5)

#define NEXTBLOCK6 \
	NEXTBLOCK(0*LANE_SIZE, I0) \
	NEXTBLOCK(1*LANE_SIZE, I1) \
	NEXTBLOCK(2*LANE_SIZE, I2) \
	NEXTBLOCK(3*LANE_SIZE, I3) \
	NEXTBLOCK(4*LANE_SIZE, I4) \
	NEXTBLOCK(5*LANE_SIZE, I5)

// The stack frame of a routine over six lanes.
#define lane_dst 0
#define lane_src 8
#define done 96
#define left 104

// POINTERS copies the address of a lane's dst and src, whose slices begin at AX
// and DX, to the frame.
#define POINTERS(l) \
	MOVQ (24*l)(AX), CX            \
	MOVQ CX, (lane_dst+(16*l))(SP) \
	MOVQ (24*l)(DX), CX            \
	MOVQ CX, (lane_src+(16*l))(SP)
