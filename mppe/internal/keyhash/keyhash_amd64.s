//go:build !purego

#include "textflag.h"

// SHA-1's state in the order of the SHA extensions: four words, the first in the highest place; the fifth comes out of
// the state of four rounds earlier, which OLD and OLDER hold by turns. W0 to W3 are the words of the schedule.
#define STATE X0
#define OLD   X1
#define OLDER X2
#define W0    X3
#define W1    X4
#define W2    X5
#define W3    X6
#define VALUE X7  // the value between the two blocks

// The fields of accelerated, which AX points to.
#define WORKING  0(AX)
#define BEFORE   16(AX)
#define BEGUN0   32(AX)
#define BEGUN1   48(AX)
#define WORDS8   64(AX)
#define REST12   80(AX)
#define REST16   96(AX)
#define REST20   112(AX)
#define REST24   128(AX)
#define REST28   144(AX)
#define FIRST    160(AX)
#define SECOND   176(AX)

// The initial value without its fifth word, and that fifth word, each with the first word in the highest place.
DATA ·initial<>+0(SB)/8, $0x98BADCFE10325476
DATA ·initial<>+8(SB)/8, $0x67452301EFCDAB89
GLOBL ·initial<>(SB), RODATA|NOPTR, $16
DATA ·fifth<>+0(SB)/8, $0
DATA ·fifth<>+8(SB)/8, $0xC3D2E1F000000000
GLOBL ·fifth<>(SB), RODATA|NOPTR, $16

// The mask that turns the bytes of a vector around.
DATA ·turn<>+0(SB)/8, $0x08090A0B0C0D0E0F
DATA ·turn<>+8(SB)/8, $0x0001020304050607
GLOBL ·turn<>(SB), RODATA|NOPTR, $16

// Four rounds with the words w, of the kind k (0 to 3: 20 rounds each). old is the state of four rounds ago.
#define ROUNDS(k, w, old, next) \
	SHA1NEXTE w, old;         \
	MOVO      STATE, next;    \
	SHA1RNDS4 $k, old, STATE

// The part of w in the words of the rounds after: complete those of the next four, go on with wx, begin wb.
#define COMPLETE(w, wc)       SHA1MSG2 w, wc
#define GO_ON(w, wx)          PXOR w, wx
#define BEGIN(w, wb)          SHA1MSG1 w, wb

#define FOUR(k, w, wc, wx, wb, old, next) \
	ROUNDS(k, w, old, next); \
	COMPLETE(w, wc);         \
	BEGIN(w, wb);            \
	GO_ON(w, wx)

// Rounds 12 to 79 of a block, whose words 12 to 15 are in W3, and the later ones begun in W0, W1 and W2. At the end OLDER
// holds the state of round 75.
#define BLOCK_FROM_12 \
	FOUR(0, W3, W0, W1, W2, OLD, OLDER); \
	FOUR(0, W0, W1, W2, W3, OLDER, OLD); \
	FOUR(1, W1, W2, W3, W0, OLD, OLDER); \
	FOUR(1, W2, W3, W0, W1, OLDER, OLD); \
	FOUR(1, W3, W0, W1, W2, OLD, OLDER); \
	FOUR(1, W0, W1, W2, W3, OLDER, OLD); \
	FOUR(1, W1, W2, W3, W0, OLD, OLDER); \
	FOUR(2, W2, W3, W0, W1, OLDER, OLD); \
	FOUR(2, W3, W0, W1, W2, OLD, OLDER); \
	FOUR(2, W0, W1, W2, W3, OLDER, OLD); \
	FOUR(2, W1, W2, W3, W0, OLD, OLDER); \
	FOUR(2, W2, W3, W0, W1, OLDER, OLD); \
	FOUR(3, W3, W0, W1, W2, OLD, OLDER); \
	FOUR(3, W0, W1, W2, W3, OLDER, OLD); \
	ROUNDS(3, W1, OLD, OLDER);           \
	COMPLETE(W1, W2);                    \
	GO_ON(W1, W3);                       \
	ROUNDS(3, W2, OLDER, OLD);           \
	COMPLETE(W2, W3);                    \
	ROUNDS(3, W3, OLD, OLDER)

// func sum2(a *accelerated, sum, session *[16]byte)
TEXT ·sum2(SB), NOSPLIT, $0-24
	MOVQ a+0(FP), AX
	MOVQ sum+8(FP), DX
	MOVQ session+16(FP), CX

	// The first block, where the settled rounds left it.
	MOVOU  (CX), W3
	MOVOU  FIRST, STATE
	PSHUFB STATE, W3
	MOVOU  REST12, STATE
	PXOR   STATE, W3
	MOVOU  WORKING, STATE
	MOVOU  BEFORE, OLD
	MOVOU  BEGUN0, W0
	MOVOU  BEGUN1, W1
	MOVOU  WORDS8, W2
	BLOCK_FROM_12

	// The value after it.
	MOVOU     ·fifth<>(SB), W0
	SHA1NEXTE W0, OLDER
	MOVOU     ·initial<>(SB), VALUE
	PADDD     STATE, VALUE
	MOVO      VALUE, STATE

	// The second block.
	MOVOU     (CX), W0
	MOVOU     SECOND, W1
	PSHUFB    W1, W0
	MOVOU     REST16, W1
	PXOR      W1, W0
	MOVOU     REST20, W1
	MOVOU     REST24, W2
	MOVOU     REST28, W3
	PADDD     W0, OLDER
	MOVO      STATE, OLD
	SHA1RNDS4 $0, OLDER, STATE
	ROUNDS(0, W1, OLD, OLDER)
	BEGIN(W1, W0)
	ROUNDS(0, W2, OLDER, OLD)
	BEGIN(W2, W1)
	GO_ON(W2, W0)
	BLOCK_FROM_12

	PADDD  VALUE, STATE
	MOVOU  ·turn<>(SB), W0
	PSHUFB W0, STATE
	MOVOU  STATE, (DX)
	RET

// func hasSHA() bool
TEXT ·hasSHA(SB), NOSPLIT, $0-1
	MOVB $0, ret+0(FP)
	XORL AX, AX
	XORL CX, CX
	CPUID
	CMPL AX, $7
	JLT  done
	MOVL $7, AX
	XORL CX, CX
	CPUID
	SHRL $29, BX
	ANDL $1, BX
	MOVB BX, ret+0(FP)

done:
	RET
