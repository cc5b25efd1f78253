// The key set-up of six lanes, side by side like the streams themselves.
//
// DI is the first lane's permutation. R11 points to its S[i-k], R12 to the keys of
// this block, which are R13 behind those of the block before.

// KEYLANE is step k of a block of the key set-up of the lane whose permutation is
// at S.
#define KEYLANE(l, k, j) \
	MOVBLZX ((l*LANE_SIZE)+k)(R11), AX  \
	ADDB ((16*l)+k)(R12), j             \
	ADDB AX, j                          \
	MOVBLZX (l*LANE_SIZE)(DI)(j*1), DX  \
	MOVB AX, (l*LANE_SIZE)(DI)(j*1)     \
	MOVB DX, ((l*LANE_SIZE)+k)(R11)

// KEYROW is the same step of all lanes.
#define KEYROW(k) \
	KEYLANE(0, k, J0) \
	KEYLANE(1, k, J1) \
	KEYLANE(2, k, J2) \
	KEYLANE(3, k, J3) \
	KEYLANE(4, k, J4) \
	KEYLANE(5, k, J5)

// SETLANES runs the set-up on identity permutations and sets i and j to 0, which
// they are when a stream begins.
#define SETLANES(block) \
	XORL J0, J0 \
	XORL J1, J1 \
	XORL J2, J2 \
	XORL J3, J3 \
	XORL J4, J4 \
	XORL J5, J5 \
	MOVQ DI, R11 \
	LEAQ 256(DI), R14 \
	PCALIGN $64 \
block: \
	KEYROW(0) \
	KEYROW(1) \
	KEYROW(2) \
	KEYROW(3) \
	KEYROW(4) \
	KEYROW(5) \
	KEYROW(6) \
	KEYROW(7) \
	KEYROW(8) \
	KEYROW(9) \
	KEYROW(10) \
	KEYROW(11) \
	KEYROW(12) \
	KEYROW(13) \
	KEYROW(14) \
	KEYROW(15) \
	ADDQ R13, R12 \
	ADDQ $16, R11 \
	CMPQ R11, R14 \
	JNE block \
	XORL AX, AX \
	MOVQ AX, ((0*LANE_SIZE)+256)(DI) \
	MOVQ AX, ((1*LANE_SIZE)+256)(DI) \
	MOVQ AX, ((2*LANE_SIZE)+256)(DI) \
	MOVQ AX, ((3*LANE_SIZE)+256)(DI) \
	MOVQ AX, ((4*LANE_SIZE)+256)(DI) \
	MOVQ AX, ((5*LANE_SIZE)+256)(DI)
