// The body of a kernel's
//
//	func(perm *T, dst, src *byte, n int, i, j uint32) uint32
//
// which XORs n bytes from index i on, where i and j are those of the step
// before, and returns the new j. See rc4_mipsx.h.
//
// Most bytes go in blocks of 32 that start where i is a multiple of 32, as with
// a fresh key: so the permutation wraps only at a block's last entry. Before and
// after them words go by themselves, where i is a multiple of 4, and before and
// after those single bytes.

	MOVW perm+0(FP), S
	MOVW dst+4(FP), DST
	MOVW src+8(FP), SRC
	MOVW n+12(FP), N
	MOVW i+16(FP), T
	MOVW j+20(FP), J
	START

more:
	SGTU $4, N, T
	BNE T, few
	TOEND(4)
	BEQ T, prime

single:
	ADVANCE(1)
	MOVBU (SRC), IN
	MOVW NXT, CUR
	ADDU $-1, N
	LOAD (CUR), A0
	ADDU $1, SRC
	POINTJ
	ADDU $1, DST
	LOAD (P), B
	STORE A0, (P)
	STORE B, (CUR)
	POINTS
	SINGLE
	SGTU $4, N, T
	XOR IN, W
	MOVB W, -1(DST)
	JMP more

few:
	BNE N, single
	RESULT
	MOVW J, ret+24(FP)
	RET

prime:
	LOAD AT(1), A0
	TOEND(32)
	SUBU T, N, B // bytes from where a block can begin
	POINTJ
	SGT $32, B, B
	BNE B, rest
	BNE T, words
	JMP blocks

rest:
	SRL $2, N, T
	SLL $2, T

words: // for T bytes, more than none
	ADDU SRC, T, END
	SUBU T, N
word:
	ADVANCE(4)
	QUAD(0, NOTHING, READLOW, READHIGH, ATNXT(0), ATNXT(1))
	ADDU $4, SRC
	MOVW NXT, CUR
	PUTSPLIT(0)
	ADDU $4, DST
	BNE SRC, END, word
	SGTU $32, N, T
	BNE T, unprime

blocks:
	SRL $5, N, T
	SLL $5, T
	ADDU SRC, T, END
	AND $31, N
	OR SRC, DST, T
	AND $3, T
	BNE T, split

block:
	ADVANCE(32)
	QUAD(0, NOTHING, NOTHING, READALIGNED, AT(4), AT(5))
	QUAD(4, PUTALIGNED, NOTHING, READALIGNED, AT(8), AT(9))
	QUAD(8, PUTALIGNED, NOTHING, READALIGNED, AT(12), AT(13))
	QUAD(12, PUTALIGNED, NOTHING, READALIGNED, AT(16), AT(17))
	QUAD(16, PUTALIGNED, NOTHING, READALIGNED, AT(20), AT(21))
	QUAD(20, PUTALIGNED, NOTHING, READALIGNED, AT(24), AT(25))
	QUAD(24, PUTALIGNED, NOTHING, READALIGNED, AT(28), AT(29))
	QUAD(28, PUTALIGNED, NOTHING, READALIGNED, ATNXT(0), ATNXT(1))
	ADDU $32, SRC
	MOVW NXT, CUR
	PUTALIGNED(28)
	ADDU $32, DST
	BNE SRC, END, block
	JMP tail

split:
	ADVANCE(32)
	QUAD(0, NOTHING, READLOW, READHIGH, AT(4), AT(5))
	QUAD(4, PUTSPLIT, READLOW, READHIGH, AT(8), AT(9))
	QUAD(8, PUTSPLIT, READLOW, READHIGH, AT(12), AT(13))
	QUAD(12, PUTSPLIT, READLOW, READHIGH, AT(16), AT(17))
	QUAD(16, PUTSPLIT, READLOW, READHIGH, AT(20), AT(21))
	QUAD(20, PUTSPLIT, READLOW, READHIGH, AT(24), AT(25))
	QUAD(24, PUTSPLIT, READLOW, READHIGH, AT(28), AT(29))
	QUAD(28, PUTSPLIT, READLOW, READHIGH, ATNXT(0), ATNXT(1))
	ADDU $32, SRC
	MOVW NXT, CUR
	PUTSPLIT(28)
	ADDU $32, DST
	BNE SRC, END, split

tail:
	SGTU $4, N, T
	BEQ T, rest

unprime:
	UNPOINTJ
	JMP more
