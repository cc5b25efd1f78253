//go:build !purego && (mips || mipsle)

// The kernel for MIPS32 revision 2 with the DSP ASE. An entry of the
// permutation is a byte, and the permutation is aligned to its size. P is the
// permutation's address with j in the lowest byte, to which addu.qb adds S[i]
// modulo 256. addu.qb also makes S[i]+S[j], and lbux loads from there.

#include "go_asm.h"
#include "textflag.h"
#include "rc4_mipsx.h"

#define SCALE 1
#define LOAD  MOVBU
#define STORE MOVB

#define START \
	ADDU S, T, CUR          \
	MOVW S, NXT             \
	ADDU S, J, P

#define RESULT \
	AND $255, P, J

#define ADVANCE(n) \
	ADDU $(n), CUR, T       \
	INS(rNXT, rT, 0, 8)

#define TOEND(n) \
	SUBU CUR, R0, T         \
	AND $((n)-1), T

#define POINTJ \
	ADDUQB(rP, rP, rA0)

#define UNPOINTJ \
	SUBU A0, P, T           \
	INS(rP, rT, 0, 8)

#define POINTS \
	ADDUQB(rT, rB, rA0)

#define POINTEVEN \
	ADDUQB(rT, rB, rA0)     \
	ADDUQB(rP, rP, rA1)

#define POINTODD \
	ADDUQB(rT, rB, rA1)     \
	ADDUQB(rP, rP, rA0)

#ifdef GOARCH_mipsle
#define FETCH0 \
	LBUX(rW, rT, rS)
#define FETCH1 \
	LBUX(rZ0, rT, rS)
#define FETCH2 \
	INS(rW, rZ0, 8, 8)      \
	LBUX(rZ0, rT, rS)
#define FETCH3 \
	INS(rW, rZ0, 16, 8)     \
	LBUX(rZ0, rT, rS)
#define GATHER \
	INS(rW, rZ0, 24, 8)
#else
#define FETCH0 \
	LBUX(rZ0, rT, rS)
#define FETCH1 \
	LBUX(rZ1, rT, rS)
#define FETCH2 \
	LBUX(rZ2, rT, rS)
#define FETCH3 \
	LBUX(rW, rT, rS)
#define GATHER \
	INS(rW, rZ0, 24, 8)     \
	INS(rW, rZ1, 16, 8)     \
	INS(rW, rZ2, 8, 8)
#endif
#define SINGLE \
	LBUX(rW, rT, rS)

// func xorDSP(s *state, dst, src *byte, n int)
TEXT ·xorDSP(SB), NOSPLIT, $0-16
#include "stream_mipsx.h"

#ifdef GOARCH_mipsle
#define FIRSTFOUR $0x03020100
#else
#define FIRSTFOUR $0x00010203
#endif

#define IDENTITY4(k) \
	MOVW A0, AT(k)          \
	ADDU B, A0

#define IDENTITY \
	MOVW FIRSTFOUR, A0      \
	MOVW $0x04040404, B     \
identity: \
	IDENTITY4(0)            \
	IDENTITY4(4)            \
	IDENTITY4(8)            \
	IDENTITY4(12)           \
	IDENTITY4(16)           \
	IDENTITY4(20)           \
	IDENTITY4(24)           \
	IDENTITY4(28)           \
	ADDU $32, CUR           \
	BNE CUR, END, identity

#define KEYBYTE(k, K) \
	MOVBU k(KEY), K

// J is P with the next byte of the key added: so only S[i] is left to add when
// it comes.
#define KEYFIRST \
	ADDUQB(rP, rP, 1)       \
	ADDUQB(rP, rP, rA0)     \
	ADDUQB(rJ, rP, 2)

#define KEYSTEP(k, K, rK) \
	LOAD (P), B             \
	STORE A0, (P)           \
	LOAD AT(k+1), A0        \
	STORE B, AT(k)          \
	ADDUQB(rP, rJ, rA0)     \
	ADDUQB(rJ, rP, rK)

#define KEYLAST \
	LOAD (P), B             \
	STORE A0, (P)           \
	LOAD AT(16), A0         \
	ADDU $(16*SCALE), CUR   \
	STORE B, AT(-1)

// func setKeyDSP(perm *[256]uint8, key *byte, stride int)
TEXT ·setKeyDSP(SB), NOSPLIT, $0-12
#include "setkey_mipsx.h"
