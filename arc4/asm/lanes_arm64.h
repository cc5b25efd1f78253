// Streams side by side, on permutations of bytes that lie LANE_SIZE apart. While
// one stream waits for its loads another has its turn, and a load that must not
// pass the store before it follows that of another stream.
//
// Each lane has its own index, so that a lane can begin with a new key while the
// others go on.

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
#define B0 R12 // S[j] of lanes 0 and 2
#define B1 R13 // and of 1 and 3
#define JX R14 // a j without garbage

#define LANES(lanes) \
	MOVD lanes, S0             \
	ADD $(1*LANE_SIZE), S0, S1 \
	ADD $(2*LANE_SIZE), S0, S2 \
	ADD $(3*LANE_SIZE), S0, S3
