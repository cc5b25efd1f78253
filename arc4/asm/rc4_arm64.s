//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "identity_arm64.h"

// The fewest instructions: nine a step of the key stream, seven of the key
// set-up. What makes it nine: ADD takes the low byte of a register, so that mask
// and base address are one instruction; a byte is loaded straight to its place
// in a vector; and upper bits of j are left to be what they are.
//
// Each step carries instructions of its neighbours, so that on a processor that
// runs instructions in order none waits for the one before.

#define S   R0  // the permutation
#define DST R1
#define SRC R2
#define N   R3  // bytes left
#define X   R4  // i; the upper bits are garbage within blocks
#define J   R5  // the same
#define IP  R6  // points to entry i as it was at the start of a block
#define A0  R7  // S[i] in every second step
#define A1  R8  // and in the others
#define SJ   R9  // S[j]
#define T   R10 // where the output byte is
#define JX   R11 // j without garbage
#define RUN R12 // blocks before the permutation wraps, or the bytes do
#define KEY R13
#define STRIDE R14
#define END R15
#define K0  R16 // bytes 0 to 7 of the key for a block
#define K1  R17 // and the others

// KEYSTEP is step k of a block of the key set-up. Adding all of a key word,
// shifted, adds its byte to j and garbage above.
#define KEYSTEP(k, word, shift) \
	ADD word>>shift, J      \
	ADD A0, J               \
	AND $255, J, JX         \
	MOVBU (S)(JX), SJ       \
	MOVB A0, (S)(JX)        \
	MOVBU (k+1)(IP), A0     \
	MOVB SJ, k(IP)

// func setKey(perm *[256]byte, key *byte, stride int)
TEXT ·setKey(SB), NOSPLIT, $0-24
	MOVD perm+0(FP), S
	MOVD key+8(FP), KEY
	MOVD stride+16(FP), STRIDE

	MOVD S, IP
	ADD $256, S, END
	FIRST64
identity:
	VST1.P [V0.B16, V1.B16, V2.B16, V3.B16], 64(IP)
	NEXT64
	CMP END, IP
	BNE identity

	MOVD S, IP
	MOVD ZR, J
	MOVD ZR, A0
key:
	LDP (KEY), (K0, K1)
	ADD STRIDE, KEY
	KEYSTEP(0, K0, 0)
	KEYSTEP(1, K0, 8)
	KEYSTEP(2, K0, 16)
	KEYSTEP(3, K0, 24)
	KEYSTEP(4, K0, 32)
	KEYSTEP(5, K0, 40)
	KEYSTEP(6, K0, 48)
	KEYSTEP(7, K0, 56)
	KEYSTEP(8, K1, 0)
	KEYSTEP(9, K1, 8)
	KEYSTEP(10, K1, 16)
	KEYSTEP(11, K1, 24)
	KEYSTEP(12, K1, 32)
	KEYSTEP(13, K1, 40)
	KEYSTEP(14, K1, 48)
	KEYSTEP(15, K1, 56)
	ADD $16, IP
	CMP END, IP
	BNE key

	RET

// STEP is a step whose S[i] is in a and at cur; the next one's is loaded from
// next to b. It ends with T as the index of its output byte, and fetches that of
// the step before to its lane of out.
#define STEP(a, b, cur, next, out, lane) \
	ADD a, J                \
	ADD T.UXTB, S, T        \
	AND $255, J, JX         \
	MOVBU (S)(JX), SJ       \
	VLD1 (T), out.B[lane]   \
	MOVB a, (S)(JX)         \
	MOVBU next, b           \
	MOVB SJ, cur            \
	ADD a, SJ, T

// func xorBytes(s *perm, dst, src *byte, n int)
//
// Blocks of 16 bytes go from any i at which the permutation does not wrap before
// a block's last entry. The bytes between such runs, and the last ones, go one
// at a time.
TEXT ·xorBytes(SB), NOSPLIT, $0-32
	MOVD s+0(FP), S
	MOVD dst+8(FP), DST
	MOVD src+16(FP), SRC
	MOVD n+24(FP), N
	MOVWU perm_i(S), X
	MOVWU perm_j(S), J

more:
	CMP $16, N
	BLO single
	MOVD $256, RUN
	SUB X, RUN
	LSR $4, RUN
	CBZ RUN, single
	LSR $4, N, T
	CMP RUN, T
	CSEL LO, T, RUN, RUN
	SUB RUN<<4, N
	ADD X, S, IP
	MOVBU 1(IP), A0

block:
	// The first step has none before it.
	ADD A0, J
	AND $255, J, JX
	MOVBU (S)(JX), SJ
	FMOVQ.P 16(SRC), F2
	MOVB A0, (S)(JX)
	MOVBU 2(IP), A1
	MOVB SJ, 1(IP)
	ADD A0, SJ, T
	STEP(A1, A0, 2(IP), 3(IP), V0, 0)
	STEP(A0, A1, 3(IP), 4(IP), V1, 0)
	STEP(A1, A0, 4(IP), 5(IP), V0, 1)
	STEP(A0, A1, 5(IP), 6(IP), V1, 1)
	STEP(A1, A0, 6(IP), 7(IP), V0, 2)
	STEP(A0, A1, 7(IP), 8(IP), V1, 2)
	STEP(A1, A0, 8(IP), 9(IP), V0, 3)
	STEP(A0, A1, 9(IP), 10(IP), V1, 3)
	STEP(A1, A0, 10(IP), 11(IP), V0, 4)
	STEP(A0, A1, 11(IP), 12(IP), V1, 4)
	STEP(A1, A0, 12(IP), 13(IP), V0, 5)
	STEP(A0, A1, 13(IP), 14(IP), V1, 5)
	STEP(A1, A0, 14(IP), 15(IP), V0, 6)

	// The next entry may have wrapped.
	ADD A0, J
	ADD T.UXTB, S, T
	AND $255, J, JX
	MOVBU (S)(JX), SJ
	VLD1 (T), V1.B[6]
	MOVB A0, (S)(JX)
	ADD $16, X
	MOVB SJ, 15(IP)
	ADD X.UXTB, S, IP
	ADD A0, SJ, T
	MOVBU (IP), A1

	STEP(A1, A0, (IP), 1(IP), V0, 7)
	ADD T.UXTB, S, T
	SUBS $1, RUN
	VLD1 (T), V1.B[7]
	VZIP1 V1.B16, V0.B16, V0.B16
	VEOR V2.B16, V0.B16, V0.B16
	FMOVQ.P F0, 16(DST)
	BNE block

	AND $255, X
	CBNZ N, more
	JMP done

single:
	ADD $1, X
	AND $255, X
	MOVBU (S)(X), A0
	MOVBU.P 1(SRC), A1
	ADD A0, J
	AND $255, J, JX
	MOVBU (S)(JX), SJ
	MOVB A0, (S)(JX)
	ADD A0, SJ, T
	MOVB SJ, (S)(X)
	AND $255, T
	MOVBU (S)(T), T
	SUBS $1, N
	EOR A1, T
	MOVB.P T, 1(DST)
	BEQ done
	TST $15, X
	BNE single
	JMP more

done:
	AND $255, J
	MOVW X, perm_i(S)
	MOVW J, perm_j(S)
	RET
