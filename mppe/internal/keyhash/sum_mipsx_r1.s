//go:build !purego && (mips || mipsle)

// SHA-1 for every MIPS32 before revision 6: the first revision rotates by two shifts.

#include "textflag.h"

#define ADDROL5(x, e) \
	SLL $5, x, T1    \
	ADDU T1, e       \
	SRL $27, x, T1   \
	ADDU T1, e

#define ROL30(x) \
	SLL $30, x, T1   \
	SRL $2, x        \
	OR T1, x

#define ROL1(x) \
	SRL $31, x, T1   \
	ADDU x, x        \
	OR T1, x

#ifdef GOARCH_mipsle
// First the halves, then the bytes of each.
#define TURN(x) \
	SRL $16, x, T1   \
	SLL $16, x       \
	OR T1, x         \
	MOVW $0x00FF00FF, T0 \
	AND x, T0, T1    \
	SRL $8, x        \
	AND T0, x        \
	SLL $8, T1       \
	OR T1, x
#else
#define TURN(x)
#endif

// func sumR1(a *accelerated, sum, session *[16]byte)
TEXT ·sumR1(SB), NOSPLIT, $20-12
#include "sum_mipsx.h"
