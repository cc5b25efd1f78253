//go:build !purego && (mips || mipsle)

// The kernel for every MIPS32. An entry v of the permutation is the word
// v<<24 | v. The sum j of entries, never masked, has its modulus in the upper
// byte, and one shift makes an offset of it. As long as the sum of the lower
// bytes is below 1<<22, it leaves bits 22 and 23 alone: that is for 16448 steps.
// An output byte is put into its word by the load alone, at the byte of the
// entry that has it in its first byte: lwl (big endian: lwr) keeps what came
// before, and what lands behind is overwritten by the next.

#include "go_asm.h"
#include "textflag.h"
#include "rc4_mipsx.h"

#define SCALE 4
#define LOAD  MOVW
#define STORE MOVW

#define START \
	ADDU S, T, CUR

#define RESULT \
	AND $0xFF000000, J

#define ADVANCE(n) \
	ADDU $((n)*SCALE), CUR, NXT \
	AND $1023, NXT          \
	ADDU S, NXT

#define TOEND(n) \
	SUBU CUR, R0, T         \
	AND $(((n)-1)*SCALE), T \
	SRL $2, T

#define POINTJ \
	ADDU A0, J              \
	SRL $22, J, P           \
	ADDU S, P

#define UNPOINTJ \
	SUBU A0, J

#define POINTS \
	ADDU A0, B, T           \
	SRL $22, T              \
	ADDU S, T, Q

#define POINTEVEN \
	ADDU A0, B, T           \
	ADDU A1, J              \
	SRL $22, J, P           \
	SRL $22, T              \
	ADDU S, P               \
	ADDU S, T, Q

#define POINTODD \
	ADDU A1, B, T           \
	ADDU A0, J              \
	SRL $22, J, P           \
	SRL $22, T              \
	ADDU S, P               \
	ADDU S, T, Q

#include "fetch_mipsx.h"

// func xorR1(s *state, dst, src *byte, n int)
TEXT ·xorR1(SB), NOSPLIT, $0-16
#include "stream_mipsx.h"

#include "identity_mipsx.h"

#define KEYBYTE(k, K) \
	MOVBU k(KEY), K         \
	SLL $24, K

#define KEYFIRST \
	ADDU K0, J              \
	POINTJ

#define KEYSTEP(k, K, rK) \
	LOAD (P), B             \
	STORE A0, (P)           \
	LOAD AT(k+1), A0        \
	ADDU K, J               \
	POINTJ                  \
	STORE B, AT(k)

#define KEYLAST \
	LOAD (P), B             \
	STORE A0, (P)           \
	LOAD AT(16), A0         \
	ADDU $(16*SCALE), CUR   \
	STORE B, AT(-1)

// func setKeyR1(perm *[256]uint32, key *byte, stride int)
TEXT ·setKeyR1(SB), NOSPLIT, $0-12
#include "setkey_mipsx.h"
