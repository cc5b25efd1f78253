// The body of a kernel's
//
//	func(s *state, dst, src *byte, n int)
//
// which XORs n bytes, more than none, from where s is. See rc4_mipsx.h.
//
// Most bytes go in blocks of 32 that start where i is a multiple of 32, as with
// a fresh key: so the permutation wraps only at a block's last entry. Before and
// after them there is a block of 16, then words go by themselves, where i is a
// multiple of 4, and before and after those single bytes.
//
// In a tunnel a packet lies half a word from a word's beginning, because PPP's
// protocol is in front of the IP header. The steps of such blocks are two
// further on, where words begin.

	MOVW s+0(FP), T
	MOVW dst+4(FP), DST
	MOVW src+8(FP), SRC
	MOVW state_perm(T), S
	MOVW state_j(T), J
	MOVW state_at(T), T
	MOVW n+12(FP), N
	START

more:
	AND $(15*SCALE), CUR, T
	SGTU $16, N, B
	OR B, T
	BNE T, less
	LOAD AT(1), A0
	AND $(31*SCALE), CUR, T
	POINTJ

sixteen: // or more, and i is a multiple of it; T is 0 if it is one of 32
	SGTU $32, N, B
	OR B, T
	BEQ T, blocks
	OR SRC, DST, B
	AND $3, B
	MOVW $16, T
	BNE B, words
	ADVANCE(16)
	QUAD(0, NOTHING, NOTHING, READALIGNED, AT(4), AT(5))
	QUAD(4, PUTALIGNED, NOTHING, READALIGNED, AT(8), AT(9))
	QUAD(8, PUTALIGNED, NOTHING, READALIGNED, AT(12), AT(13))
	QUAD(12, PUTALIGNED, NOTHING, READALIGNED, ATNXT(0), ATNXT(1))
	ADDU $-16, N
	ADDU $16, SRC
	MOVW NXT, CUR
	PUTALIGNED(12)
	ADDU $16, DST

primed: // N bytes are left, and i is a multiple of 4
	BEQ N, last
	AND $(15*SCALE), CUR, T
	SGTU $16, N, B
	OR B, T, B
	AND $(31*SCALE), CUR, T
	BEQ B, sixteen

	// Words, to where i is a multiple of 16, or the end.
	TOEND(16)
	SGTU T, N, B
	BNE B, rest
	BNE T, words
rest:
	SRL $2, N, T
	SLL $2, T
	BEQ T, unprime

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
	JMP primed

unprime:
	UNPOINTJ

less: // than 4, or less than 16 to where i is a multiple of 16
	SGTU $4, N, T
	BNE T, few
	AND $(3*SCALE), CUR, T
	BNE T, single
	LOAD AT(1), A0
	POINTJ
	JMP primed

few:
	BEQ N, done

single:
	ADVANCE(1)
	MOVBU (SRC), IN
	LOAD (NXT), A0
	MOVW NXT, CUR
	POINTJ
	ADDU $-1, N
	LOAD (P), B
	STORE A0, (P)
	STORE B, (CUR)
	POINTS
	ADDU $1, SRC
	SINGLE
	ADDU $1, DST
	XOR IN, W
	MOVB W, -1(DST)
	JMP more

last:
	UNPOINTJ
done:
	RESULT
	MOVW s+0(FP), T
	SUBU S, CUR
	MOVW J, state_j(T)
	MOVW CUR, state_at(T)
	RET

blocks:
	OR SRC, DST, B
	AND $3, B
	BNE B, misplaced
	SRL $5, N, T
	SLL $5, T
	ADDU SRC, T, END
	AND $31, N

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
	JMP primed

misplaced:
	XOR SRC, DST, T
	AND $3, T
	XOR $2, B
	OR T, B
	SGTU $130, N, T
	OR T, B
	BEQ B, shift
	SRL $5, N, T
	SLL $5, T
	ADDU SRC, T, END
	AND $31, N

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

	JMP primed

shift: // by two single bytes
	UNPOINTJ
two:
	ADVANCE(1)
	MOVBU (SRC), IN
	LOAD (NXT), A0
	MOVW NXT, CUR
	POINTJ
	ADDU $-1, N
	LOAD (P), B
	STORE A0, (P)
	STORE B, (CUR)
	POINTS
	ADDU $1, SRC
	SINGLE
	ADDU $1, DST
	XOR IN, W
	AND $3, SRC, T
	MOVB W, -1(DST)
	BNE T, two
	LOAD AT(1), A0
	SRL $5, N, T
	POINTJ
	SLL $5, T
	ADDU SRC, T, END
	AND $31, N

shifted: // i is two more than a multiple of 32
	ADVANCE(32)
	QUAD(0, NOTHING, NOTHING, READALIGNED, AT(4), AT(5))
	QUAD(4, PUTALIGNED, NOTHING, READALIGNED, AT(8), AT(9))
	QUAD(8, PUTALIGNED, NOTHING, READALIGNED, AT(12), AT(13))
	QUAD(12, PUTALIGNED, NOTHING, READALIGNED, AT(16), AT(17))
	QUAD(16, PUTALIGNED, NOTHING, READALIGNED, AT(20), AT(21))
	QUAD(20, PUTALIGNED, NOTHING, READALIGNED, AT(24), AT(25))
	QUAD(24, PUTALIGNED, NOTHING, READALIGNED, AT(28), AT(29))
	QUADAT(28, PUTALIGNED, NOTHING, READALIGNED, AT(29), ATNXT(-2), ATNXT(-1), ATNXT(0), ATNXT(1))
	ADDU $32, SRC
	MOVW NXT, CUR
	PUTALIGNED(28)
	ADDU $32, DST
	BNE SRC, END, shifted
	UNPOINTJ
	JMP more
