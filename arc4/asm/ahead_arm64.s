//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "identity_arm64.h"

// A step of RC4 loads S[i], which the step before may just have stored as its
// S[j]. So the way from one step to the next is long: the sum for j, the store,
// and then the load. These routines load S[i] for eight steps at a time, those
// whose i agrees in all but its last three bits, and look after the case that
// goes wrong: a store to S[j] with j among the same eight. It happens in 8 steps
// of 256, in a branch that is otherwise not taken, and loads again what was
// loaded too early. Two instructions a step find it.
//
// That shortens the way for a processor that runs instructions out of order, and
// lets one that runs them in order work on j while it waits for loads: each step
// makes the next one's j, and fetches the output byte of the one before.

#define S   R0 // the permutation
#define DST R1
#define SRC R2
#define N   R3 // bytes left
#define X   R4 // i before a block; the upper bits are garbage
#define J   R5 // j of the next step; the upper bits are garbage
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
#define JX0 R19 // j without garbage, in steps with an even i
#define JX1 R20 // and with an odd one
#define G   R21 // i without its last three bits, shifted out
#define KEY R22
#define STRIDE R23
#define END R24
#define K0  R25 // bytes 0 to 7 of the key for a block
#define K1  R26 // and the others
#define DELTA R22 // from SRC to DST
#define TO  R23 // where the block before goes

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

// HIT is the branch that loads again, of a step before that of b, whose j it
// makes again in jy.
#define HIT(hit, back, b, jy, load, q) \
hit: \
	SUB b, J                \
	load(q)                 \
	ADD b, J                \
	AND $255, J, jy         \
	JMP back

// KEYLOOK is step k of a block of the key set-up, with S[i] in a and its j in jx,
// and makes the next one's j in jy, with S[i] in b. Adding all of a key word,
// shifted, adds its byte to j and garbage above.
#define KEYLOOK(k, a, b, jx, jy, word, shift, hit, back) \
	MOVBU (S)(jx), SJ       \
	ADD word>>shift, J      \
	CMP jx>>3, G            \
	ADD b, J                \
	MOVB a, (S)(jx)         \
	AND $255, J, jy         \
	MOVB SJ, k(IP)          \
	BEQ hit                 \
back:

// KEYLAST is the last step of eight.
#define KEYLAST(k) \
	MOVBU (S)(JX1), SJ      \
	MOVB A7, (S)(JX1)       \
	ADD $1, G               \
	MOVB SJ, k(IP)

// KEYFIRST goes before the first of the eight at q(IP).
#define KEYFIRST(q, word) \
	MOVBU q(IP), A0         \
	MOVBU (q+1)(IP), A1     \
	MOVBU (q+2)(IP), A2     \
	ADD word, J             \
	MOVBU (q+3)(IP), A3     \
	MOVBU (q+4)(IP), A4     \
	ADD A0, J               \
	MOVBU (q+5)(IP), A5     \
	AND $255, J, JX0        \
	LOAD2(q)

// func setKeyAhead(perm *[256]byte, key *byte, stride int)
TEXT ·setKeyAhead(SB), NOSPLIT, $0-24
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
	MOVD ZR, G
key:
	LDP (KEY), (K0, K1)
	ADD STRIDE, KEY
	KEYFIRST(0, K0)
	KEYLOOK(0, A0, A1, JX0, JX1, K0, 8, hit0, back0)
	KEYLOOK(1, A1, A2, JX1, JX0, K0, 16, hit1, back1)
	KEYLOOK(2, A2, A3, JX0, JX1, K0, 24, hit2, back2)
	KEYLOOK(3, A3, A4, JX1, JX0, K0, 32, hit3, back3)
	KEYLOOK(4, A4, A5, JX0, JX1, K0, 40, hit4, back4)
	KEYLOOK(5, A5, A6, JX1, JX0, K0, 48, hit5, back5)
	KEYLOOK(6, A6, A7, JX0, JX1, K0, 56, hit6, back6)
	KEYLAST(7)
	KEYFIRST(8, K1)
	KEYLOOK(8, A0, A1, JX0, JX1, K1, 8, hit8, back8)
	KEYLOOK(9, A1, A2, JX1, JX0, K1, 16, hit9, back9)
	KEYLOOK(10, A2, A3, JX0, JX1, K1, 24, hit10, back10)
	KEYLOOK(11, A3, A4, JX1, JX0, K1, 32, hit11, back11)
	KEYLOOK(12, A4, A5, JX0, JX1, K1, 40, hit12, back12)
	KEYLOOK(13, A5, A6, JX1, JX0, K1, 48, hit13, back13)
	KEYLOOK(14, A6, A7, JX0, JX1, K1, 56, hit14, back14)
	KEYLAST(15)
	ADD $16, IP
	CMP END, IP
	BNE key

	RET

	HIT(hit0, back0, A1, JX1, LOAD7, 0)
	HIT(hit1, back1, A2, JX0, LOAD6, 0)
	HIT(hit2, back2, A3, JX1, LOAD5, 0)
	HIT(hit3, back3, A4, JX0, LOAD4, 0)
	HIT(hit4, back4, A5, JX1, LOAD3, 0)
	HIT(hit5, back5, A6, JX0, LOAD2, 0)
	HIT(hit6, back6, A7, JX1, LOAD1, 0)
	HIT(hit8, back8, A1, JX1, LOAD7, 8)
	HIT(hit9, back9, A2, JX0, LOAD6, 8)
	HIT(hit10, back10, A3, JX1, LOAD5, 8)
	HIT(hit11, back11, A4, JX0, LOAD4, 8)
	HIT(hit12, back12, A5, JX1, LOAD3, 8)
	HIT(hit13, back13, A6, JX0, LOAD2, 8)
	HIT(hit14, back14, A7, JX1, LOAD1, 8)

// LOOK is a step with S[i] in a and at cur, and its j in jx, and makes the next
// one's j in jy, with S[i] in b. It ends with T as the index of its output byte,
// and fetches that of the step before to its lane of out.
#define LOOK(a, b, jx, jy, cur, out, lane, hit, back) \
	ADD T.UXTB, S, T        \
	MOVBU (S)(jx), SJ       \
	ADD b, J                \
	CMP jx>>3, G            \
	VLD1 (T), out.B[lane]   \
	AND $255, J, jy         \
	MOVB a, (S)(jx)         \
	MOVB SJ, cur            \
	ADD a, SJ, T            \
	BEQ hit                 \
back:

// LAST is the last step of eight.
#define LAST(cur, out, lane) \
	ADD T.UXTB, S, T        \
	MOVBU (S)(JX1), SJ      \
	VLD1 (T), out.B[lane]   \
	MOVB A7, (S)(JX1)       \
	MOVB SJ, cur            \
	ADD A7, SJ, T

// FIRST goes before the first of the eight at q(IP).
#define FIRST(q) \
	MOVBU q(IP), A0         \
	MOVBU (q+1)(IP), A1     \
	MOVBU (q+2)(IP), A2     \
	MOVBU (q+3)(IP), A3     \
	MOVBU (q+4)(IP), A4     \
	ADD A0, J               \
	MOVBU (q+5)(IP), A5     \
	AND $255, J, JX0        \
	LOAD2(q)

// func xorBytesAhead(s *perm, dst, src *byte, n int)
//
// Blocks of 16 bytes start where i is a multiple of 16, as with a fresh key. The
// bytes before and after go one at a time. A block has the last seven of one
// eight, a whole eight, and the first of the next. Its last output byte is
// fetched, and the block is XORed, during the next block; what the first block
// does of one before it goes to spare.
TEXT ·xorBytesAhead(SB), NOSPLIT, $16-32
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
	LSR $3, X, G
	LOAD7(0)
	ADD A1, J
	AND $255, J, JX1
	SUB SRC, DST, DELTA
	MOVD $spare-16(SP), TO
	MOVD ZR, T

block:
	LOOK(A1, A2, JX1, JX0, 1(IP), V1, 7, hit1, back1)
	VZIP1 V1.B16, V0.B16, V3.B16
	LOOK(A2, A3, JX0, JX1, 2(IP), V0, 0, hit2, back2)
	VEOR V2.B16, V3.B16, V3.B16
	LOOK(A3, A4, JX1, JX0, 3(IP), V1, 0, hit3, back3)
	FMOVQ F3, (TO)
	ADD DELTA, SRC, TO
	FMOVQ.P 16(SRC), F2
	LOOK(A4, A5, JX0, JX1, 4(IP), V0, 1, hit4, back4)
	LOOK(A5, A6, JX1, JX0, 5(IP), V1, 1, hit5, back5)
	LOOK(A6, A7, JX0, JX1, 6(IP), V0, 2, hit6, back6)
	LAST(7(IP), V1, 2)

	ADD $1, G
	FIRST(8)
	LOOK(A0, A1, JX0, JX1, 8(IP), V0, 3, hit8, back8)
	LOOK(A1, A2, JX1, JX0, 9(IP), V1, 3, hit9, back9)
	LOOK(A2, A3, JX0, JX1, 10(IP), V0, 4, hit10, back10)
	LOOK(A3, A4, JX1, JX0, 11(IP), V1, 4, hit11, back11)
	LOOK(A4, A5, JX0, JX1, 12(IP), V0, 5, hit12, back12)
	LOOK(A5, A6, JX1, JX0, 13(IP), V1, 5, hit13, back13)
	LOOK(A6, A7, JX0, JX1, 14(IP), V0, 6, hit14, back14)
	LAST(15(IP), V1, 6)

	// The next entry may have wrapped.
	ADD $16, X
	ADD X.UXTB, S, IP
	UBFX $3, X, $5, G
	FIRST(0)
	LOOK(A0, A1, JX0, JX1, 0(IP), V0, 7, hit16, back16)
	SUBS $1, RUN
	BNE block

	ADD T.UXTB, S, T
	VLD1 (T), V1.B[7]
	VZIP1 V1.B16, V0.B16, V3.B16
	VEOR V2.B16, V3.B16, V3.B16
	FMOVQ F3, (TO)
	ADD $16, TO, DST
	SUB A1, J
	AND $255, X
	CBNZ N, single
	JMP done

single:
	ADD $1, X
	AND $255, X
	MOVBU (S)(X), A0
	MOVBU.P 1(SRC), A1
	ADD A0, J
	AND $255, J, JX0
	MOVBU (S)(JX0), SJ
	MOVB A0, (S)(JX0)
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

	HIT(hit1, back1, A2, JX0, LOAD6, 0)
	HIT(hit2, back2, A3, JX1, LOAD5, 0)
	HIT(hit3, back3, A4, JX0, LOAD4, 0)
	HIT(hit4, back4, A5, JX1, LOAD3, 0)
	HIT(hit5, back5, A6, JX0, LOAD2, 0)
	HIT(hit6, back6, A7, JX1, LOAD1, 0)
	HIT(hit8, back8, A1, JX1, LOAD7, 8)
	HIT(hit9, back9, A2, JX0, LOAD6, 8)
	HIT(hit10, back10, A3, JX1, LOAD5, 8)
	HIT(hit11, back11, A4, JX0, LOAD4, 8)
	HIT(hit12, back12, A5, JX1, LOAD3, 8)
	HIT(hit13, back13, A6, JX0, LOAD2, 8)
	HIT(hit14, back14, A7, JX1, LOAD1, 8)
	HIT(hit16, back16, A1, JX1, LOAD7, 0)
