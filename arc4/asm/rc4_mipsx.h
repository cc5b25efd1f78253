// What the RC4 kernels for MIPS share: registers, instructions that Go's
// assembler has no name for, and one step of RC4. The loops around it are in
// stream_mipsx.h and setkey_mipsx.h, each the body of a function.
//
// Every kernel defines, before it includes those:
//
//	SCALE             bytes of an entry of the permutation
//	LOAD, STORE       move an entry
//	START             from S, and the state's at in T, sets CUR, and what else
//	                  the kernel keeps; from its j in J, how it keeps j
//	RESULT            puts what is kept of j into J
//	ADVANCE(n)        NXT = the entry n after that at CUR, round the end
//	TOEND(n)          T = how many bytes until i is a multiple of n
//	POINTJ            adds A0, which is S[i], to j and points P to S[j]
//	UNPOINTJ          takes that back
//	POINTS            points to S[A0+B], for FETCH and SINGLE
//	POINTEVEN         POINTS, and POINTJ for the next step's S[i] in A1
//	POINTODD          the same with A0 and A1 exchanged
//	FETCH0 to FETCH3  bring the byte that was pointed to into the word W of key
//	                  stream, as the one with this address; each keeps those
//	                  before it, and may do anything to those after it
//	GATHER            what is left to do for a whole word
//	SINGLE            brings that byte into W by itself
//
// The cores in routers issue one instruction a cycle, in order, and wait where
// a result is used too soon: a load's in the next instruction, or as an address
// in the one after that; that of arithmetic as an address in the next. So every
// step carries instructions of its neighbours, and in the loops nothing waits.
// For that a step has S[i] of the next one early: within the loops j and P are
// one step ahead ("primed"), which only reads ahead.

#define DST R1
#define SRC R2
#define N   R3  // bytes left
#define END R4  // where SRC, or CUR, is when a loop is over
#define CUR R5  // points to entry i
#define NXT R6
#define P   R7
#define Q   R8
#define A0  R9  // S[i] of even and odd steps
#define A1  R10
#define B   R11 // S[j]
#define T   R12
#define W   R13
#define IN  R14
#define Z0  R15
#define J   R16
#define S   R17 // the permutation
#define Z1  R18
#define Z2  R19

// Registers as instructions in WORDs number them.
#define rCUR 5
#define rNXT 6
#define rP   7
#define rQ   8
#define rA0  9
#define rA1  10
#define rB   11
#define rT   12
#define rW   13
#define rZ0  15
#define rJ   16
#define rS   17
#define rZ1  18
#define rZ2  19

// INS is "ins rt, rs, pos, size" of MIPS32 revision 2: the low size bits of rs
// replace those of rt from bit pos on.
#define INS(rt, rs, pos, size) \
	WORD $(0x7c000004 | (rs)<<21 | (rt)<<16 | ((pos)+(size)-1)<<11 | (pos)<<6)

// ADDUQB is "addu.qb rd, rs, rt" of the DSP ASE: four sums of bytes, none of
// which carries into the next.
#define ADDUQB(rd, rs, rt) \
	WORD $(0x7c000010 | (rs)<<21 | (rt)<<16 | (rd)<<11)

// LBUX is "lbux rd, index(base)" of the DSP ASE: the byte at their sum.
#define LBUX(rd, index, base) \
	WORD $(0x7c00018a | (base)<<21 | (index)<<16 | (rd)<<11)

// AT is entry k after CUR, and ATNXT that after NXT.
#define AT(k)    ((k)*SCALE)(CUR)
#define ATNXT(k) ((k)*SCALE)(NXT)

// STEP is one step: cur is the place of S[i], which is in a, and then that of
// S[i+1], which comes into next.
#define STEP(a, next, cur, then, POINT, FETCH) \
	LOAD (P), B             \
	STORE a, (P)            \
	LOAD then, next         \
	POINT                   \
	STORE B, cur            \
	FETCH

// QUADAT is four steps, for the word at off of a round, and meanwhile reads the
// word there and XORs and writes the one before it. e1 to e4 are the places of
// the steps' S[i], and e5 that of the next.
#define QUADAT(off, PUT, READ1, READ2, e1, e2, e3, e4, e5) \
	LOAD (P), B             \
	STORE A0, (P)           \
	PUT(off-4)              \
	LOAD e2, A1             \
	POINTEVEN               \
	STORE B, e1             \
	FETCH0                  \
	STEP(A1, A0, e2, e3, POINTODD, FETCH1) \
	READ1(off)              \
	STEP(A0, A1, e3, e4, POINTEVEN, FETCH2) \
	READ2(off)              \
	STEP(A1, A0, e4, e5, POINTODD, FETCH3)

// QUAD is QUADAT where at most the last of the steps is past the end.
#define QUAD(off, PUT, READ1, READ2, e4, e5) \
	QUADAT(off, PUT, READ1, READ2, AT(off+1), AT(off+2), AT(off+3), e4, e5)

#define NOTHING(off)

// READALIGNED and PUTALIGNED read and write whole words.
#define READALIGNED(off) \
	MOVW (off)(SRC), IN

#define PUTALIGNED(off) \
	GATHER                  \
	XOR IN, W               \
	MOVW W, (off)(DST)

// READLOW, READHIGH and PUTSPLIT do so anywhere: lwl and lwr, swl and swr each
// move that part of a word which is in one aligned word.
#ifdef GOARCH_mipsle
#define READLOW(off) \
	MOVWR (off)(SRC), IN
#define READHIGH(off) \
	MOVWL (off+3)(SRC), IN
#define PUTSPLIT(off) \
	GATHER                  \
	XOR IN, W               \
	MOVWR W, (off)(DST)     \
	MOVWL W, (off+3)(DST)
#else
#define READLOW(off) \
	MOVWL (off)(SRC), IN
#define READHIGH(off) \
	MOVWR (off+3)(SRC), IN
#define PUTSPLIT(off) \
	GATHER                  \
	XOR IN, W               \
	MOVWL W, (off)(DST)     \
	MOVWR W, (off+3)(DST)
#endif
