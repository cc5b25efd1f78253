//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "identity_arm64.h"

// A step of RC4 loads S[i], which the step before may just have stored as its
// S[j]. A processor that runs instructions out of order and has been wrong about
// that too often waits for the address of that store: so long is the way from
// one step to the next. These routines load S[i] for up to eight steps at a
// time, those whose i agrees in all but its last three bits, and look after the
// case that goes wrong: a store to S[j] with j among the same eight. It happens
// in 8 steps of 256, in a branch that is otherwise not taken, and loads again
// what was loaded too early. Two instructions a step find it.

#define S   R0 // the permutation
#define DST R1
#define SRC R2
#define N   R3 // bytes left
#define X   R4 // i before a block; the upper bits are garbage
#define J   R5 // the upper bits are garbage
#define IP  R6 // points to entry i as it was at the start of a block
#define RUN R7 // blocks left
#define A0  R8 // S[i], by the last three bits of i
#define A1  R9
#define A2  R10
#define A3  R11
#define A4  R12
#define A5  R13
#define A6  R14
#define A7  R15
#define SJ  R16 // S[j]
#define T   R17 // where the output byte is
#define JX  R19 // j without garbage
#define G   R20 // i without its last three bits, shifted out
#define KEY R21
#define STRIDE R22
#define END R23
#define K0  R24 // bytes 0 to 7 of the key for a block
#define K1  R25 // and the others

// LOAD1 to LOAD7 load the last one, two, ... seven of the eight at q(IP).
#define LOAD1(q) \
	MOVBU (q+7)(IP), A7
#define LOAD2(q) \
	MOVBU (q+6)(IP), A6     \
	LOAD1(q)
#define LOAD3(q) \
	MOVBU (q+5)(IP), A5     \
	LOAD2(q)
#define LOAD4(q) \
	MOVBU (q+4)(IP), A4     \
	LOAD3(q)
#define LOAD5(q) \
	MOVBU (q+3)(IP), A3     \
	LOAD4(q)
#define LOAD6(q) \
	MOVBU (q+2)(IP), A2     \
	LOAD5(q)
#define LOAD7(q) \
	MOVBU (q+1)(IP), A1     \
	LOAD6(q)

// HIT is the branch that loads again.
#define HIT(hit, back, load, q) \
hit: \
	load(q)                 \
	JMP back

// KEYSTEP is step k of a block of the key set-up. Adding all of a key word,
// shifted, adds its byte to j and garbage above.
#define KEYSTEP(k, a, word, shift) \
	ADD word>>shift, J      \
	ADD a, J                \
	AND $255, J, JX         \
	MOVBU (S)(JX), SJ       \
	MOVB a, (S)(JX)         \
	MOVB SJ, k(IP)

// KEYLOOK is KEYSTEP where S[i] of later steps has been loaded.
#define KEYLOOK(k, a, word, shift, hit, back) \
	ADD word>>shift, J      \
	ADD a, J                \
	AND $255, J, JX         \
	MOVBU (S)(JX), SJ       \
	CMP JX>>3, G            \
	MOVB a, (S)(JX)         \
	MOVB SJ, k(IP)          \
	BEQ hit                 \
back:

// func setKeyAhead(s *perm, key *byte, stride int)
TEXT ·setKeyAhead(SB), NOSPLIT, $0-24
	MOVD s+0(FP), S
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
	MOVD ZR, G
	MOVD $0, A0
	LOAD7(0)
key:
	LDP (KEY), (K0, K1)
	ADD STRIDE, KEY
	KEYLOOK(0, A0, K0, 0, hit0, back0)
	KEYLOOK(1, A1, K0, 8, hit1, back1)
	KEYLOOK(2, A2, K0, 16, hit2, back2)
	KEYLOOK(3, A3, K0, 24, hit3, back3)
	KEYLOOK(4, A4, K0, 32, hit4, back4)
	KEYLOOK(5, A5, K0, 40, hit5, back5)
	KEYLOOK(6, A6, K0, 48, hit6, back6)
	KEYSTEP(7, A7, K0, 56)
	MOVBU 8(IP), A0
	ADD $1, G
	LOAD7(8)
	KEYLOOK(8, A0, K1, 0, hit8, back8)
	KEYLOOK(9, A1, K1, 8, hit9, back9)
	KEYLOOK(10, A2, K1, 16, hit10, back10)
	KEYLOOK(11, A3, K1, 24, hit11, back11)
	KEYLOOK(12, A4, K1, 32, hit12, back12)
	KEYLOOK(13, A5, K1, 40, hit13, back13)
	KEYLOOK(14, A6, K1, 48, hit14, back14)
	KEYSTEP(15, A7, K1, 56)
	MOVBU 16(IP), A0
	ADD $1, G
	LOAD7(16)
	ADD $16, IP
	CMP END, IP
	BNE key

	MOVW ZR, perm_i(S)
	MOVW ZR, perm_j(S)
	RET

	HIT(hit0, back0, LOAD7, 0)
	HIT(hit1, back1, LOAD6, 0)
	HIT(hit2, back2, LOAD5, 0)
	HIT(hit3, back3, LOAD4, 0)
	HIT(hit4, back4, LOAD3, 0)
	HIT(hit5, back5, LOAD2, 0)
	HIT(hit6, back6, LOAD1, 0)
	HIT(hit8, back8, LOAD7, 8)
	HIT(hit9, back9, LOAD6, 8)
	HIT(hit10, back10, LOAD5, 8)
	HIT(hit11, back11, LOAD4, 8)
	HIT(hit12, back12, LOAD3, 8)
	HIT(hit13, back13, LOAD2, 8)
	HIT(hit14, back14, LOAD1, 8)

// STEP is a step whose S[i] is in a and at cur. It ends with T as the index of
// its output byte, and fetches that of the step before to its lane of out.
#define STEP(a, cur, out, lane) \
	ADD a, J                \
	ADD T.UXTB, S, T        \
	AND $255, J, JX         \
	MOVBU (S)(JX), SJ       \
	VLD1 (T), out.B[lane]   \
	MOVB a, (S)(JX)         \
	MOVB SJ, cur            \
	ADD a, SJ, T

// LOOK is STEP where S[i] of later steps has been loaded.
#define LOOK(a, cur, out, lane, hit, back) \
	ADD a, J                \
	ADD T.UXTB, S, T        \
	AND $255, J, JX         \
	MOVBU (S)(JX), SJ       \
	VLD1 (T), out.B[lane]   \
	CMP JX>>3, G            \
	MOVB a, (S)(JX)         \
	MOVB SJ, cur            \
	ADD a, SJ, T            \
	BEQ hit                 \
back:

// func xorBytesAhead(s *perm, dst, src *byte, n int)
//
// Blocks of 16 bytes start where i is a multiple of 16, as with a fresh key. The
// bytes before and after go one at a time. A block has the last seven of one
// eight, a whole eight, and the first of the next.
TEXT ·xorBytesAhead(SB), NOSPLIT, $0-32
	MOVD s+0(FP), S
	MOVD dst+8(FP), DST
	MOVD src+16(FP), SRC
	MOVD n+24(FP), N
	MOVWU perm_i(S), X
	MOVWU perm_j(S), J

more:
	CMP $16, N
	BLO single
	TST $15, X
	BNE single
	LSR $4, N, RUN
	AND $15, N
	ADD X, S, IP

block:
	UBFX $3, X, $5, G
	LOAD7(0)
	// The first step has none before it.
	ADD A1, J
	AND $255, J, JX
	MOVBU (S)(JX), SJ
	CMP JX>>3, G
	FMOVQ.P 16(SRC), F2
	MOVB A1, (S)(JX)
	MOVB SJ, 1(IP)
	ADD A1, SJ, T
	BEQ hit1
back1:
	LOOK(A2, 2(IP), V0, 0, hit2, back2)
	LOOK(A3, 3(IP), V1, 0, hit3, back3)
	LOOK(A4, 4(IP), V0, 1, hit4, back4)
	LOOK(A5, 5(IP), V1, 1, hit5, back5)
	LOOK(A6, 6(IP), V0, 2, hit6, back6)
	STEP(A7, 7(IP), V1, 2)

	ADD $1, G
	MOVBU 8(IP), A0
	LOAD7(8)
	LOOK(A0, 8(IP), V0, 3, hit8, back8)
	LOOK(A1, 9(IP), V1, 3, hit9, back9)
	LOOK(A2, 10(IP), V0, 4, hit10, back10)
	LOOK(A3, 11(IP), V1, 4, hit11, back11)
	LOOK(A4, 12(IP), V0, 5, hit12, back12)
	LOOK(A5, 13(IP), V1, 5, hit13, back13)
	LOOK(A6, 14(IP), V0, 6, hit14, back14)
	STEP(A7, 15(IP), V1, 6)

	// The next entry may have wrapped.
	ADD $16, X
	ADD X.UXTB, S, IP
	MOVBU (IP), A0
	STEP(A0, (IP), V0, 7)
	ADD T.UXTB, S, T
	SUBS $1, RUN
	VLD1 (T), V1.B[7]
	VZIP1 V1.B16, V0.B16, V0.B16
	VEOR V2.B16, V0.B16, V0.B16
	FMOVQ.P F0, 16(DST)
	BNE block

	AND $255, X
	CBNZ N, single
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

	HIT(hit1, back1, LOAD6, 0)
	HIT(hit2, back2, LOAD5, 0)
	HIT(hit3, back3, LOAD4, 0)
	HIT(hit4, back4, LOAD3, 0)
	HIT(hit5, back5, LOAD2, 0)
	HIT(hit6, back6, LOAD1, 0)
	HIT(hit8, back8, LOAD7, 8)
	HIT(hit9, back9, LOAD6, 8)
	HIT(hit10, back10, LOAD5, 8)
	HIT(hit11, back11, LOAD4, 8)
	HIT(hit12, back12, LOAD3, 8)
	HIT(hit13, back13, LOAD2, 8)
	HIT(hit14, back14, LOAD1, 8)
