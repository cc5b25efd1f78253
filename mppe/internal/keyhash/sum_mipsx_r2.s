//go:build !purego && (mips || mipsle)

// SHA-1 for MIPS32 revision 2, which rotates (rotr) and exchanges bytes (wsbh).

#include "textflag.h"

#define ADDROL5(x, e) \
	ROTR $27, x, T1  \
	ADDU T1, e

#define ROL30(x) \
	ROTR $2, x

#define ROL1(x) \
	ROTR $31, x

#ifdef GOARCH_mipsle
#define TURN(x) \
	WSBH x, x        \
	ROTR $16, x
#else
#define TURN(x)
#endif

// func sumR2(a *accelerated, sum, session *[16]byte)
TEXT ·sumR2(SB), NOSPLIT, $20-12
#include "sum_mipsx.h"
