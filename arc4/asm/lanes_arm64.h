// Four streams side by side, on permutations of bytes that lie LANE_SIZE apart.
// A step of a stream is in parts, and while one stream is at one of them the
// others are at others: none waits for the part before, and loads and stores
// alternate with sums. A load that runs ahead of a store that it cannot see yet
// finds that store in another stream's permutation, as a rule.

#define LANE_SIZE 320

#define S0 R0 // the permutations
#define S1 R1
#define S2 R2
#define S3 R3
#define J0 R4 // j of each; the upper bits are garbage
#define J1 R5
#define J2 R6
#define J3 R7
#define A0 R8 // S[i] of each
#define A1 R9
#define A2 R10
#define A3 R11
#define B0 R12 // S[j] of each
#define B1 R13
#define B2 R14
#define B3 R15
#define JX R16 // j without garbage, of every second stream
#define JY R17 // and of the others

#define LANES(lanes) \
	MOVD lanes, S0             \
	ADD $(1*LANE_SIZE), S0, S1 \
	ADD $(2*LANE_SIZE), S0, S2 \
	ADD $(3*LANE_SIZE), S0, S3
