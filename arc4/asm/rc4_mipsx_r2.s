//go:build !purego && (mips || mipsle)

// The kernel for MIPS32 revision 2. An entry of the permutation is a word; its
// value is in the lowest byte, for sums, and in the first byte in memory, for
// output (see rc4_mipsx_r1.s): where these are not the same, an entry v is
// v<<24 | v; where they are, the other bytes do not matter. The permutation is
// aligned to its size, so that one ins takes a sum modulo 256 and makes a
// pointer of it.

#include "go_asm.h"
#include "textflag.h"
#include "rc4_mipsx.h"

#define SCALE 4
#define LOAD  MOVW
#define STORE MOVW

#define START \
	ADDU S, T, CUR          \
	MOVW S, NXT             \
	MOVW S, P               \
	MOVW S, Q

#define RESULT

#define ADVANCE(n) \
	ADDU $((n)*SCALE), CUR, T \
	INS(rNXT, rT, 0, 10)

#define TOEND(n) \
	SUBU CUR, R0, T         \
	AND $(((n)-1)*SCALE), T \
	SRL $2, T

#define POINTJ \
	ADDU A0, J              \
	INS(rP, rJ, 2, 8)

#define UNPOINTJ \
	SUBU A0, J

#define POINTS \
	ADDU A0, B, T           \
	INS(rQ, rT, 2, 8)

#define POINTEVEN \
	ADDU A0, B, T           \
	ADDU A1, J              \
	INS(rP, rJ, 2, 8)       \
	INS(rQ, rT, 2, 8)

#define POINTODD \
	ADDU A1, B, T           \
	ADDU A0, J              \
	INS(rP, rJ, 2, 8)       \
	INS(rQ, rT, 2, 8)

#include "fetch_mipsx.h"

// func xorR2(s *state, dst, src *byte, n int)
TEXT ·xorR2(SB), NOSPLIT, $0-16
#include "stream_mipsx.h"

#ifdef GOARCH_mipsle
// A0 has four values. swl at byte k of an entry puts the topmost k+1 bytes into
// its first, of which the lowest becomes the value.
#define IDENTITY4(k) \
	MOVW A0, AT(k)          \
	MOVWL A0, ((k+1)*4+2)(CUR) \
	MOVWL A0, ((k+2)*4+1)(CUR) \
	MOVWL A0, AT(k+3)       \
	ADDU B, A0

#define IDENTITY16(k) \
	IDENTITY4(k)            \
	IDENTITY4(k+4)          \
	IDENTITY4(k+8)          \
	IDENTITY4(k+12)

#define IDENTITY \
	MOVW $0x03020100, A0    \
	MOVW $0x04040404, B     \
identity: \
	IDENTITY16(0)           \
	IDENTITY16(16)          \
	IDENTITY16(32)          \
	IDENTITY16(48)          \
	ADDU $(64*SCALE), CUR   \
	BNE CUR, END, identity
#else
#include "identity_mipsx.h"
#endif

#define KEYBYTE(k, K) \
	MOVBU k(KEY), K

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

// func setKeyR2(perm *[256]uint32, key *byte, stride int)
TEXT ·setKeyR2(SB), NOSPLIT, $0-12
#include "setkey_mipsx.h"
