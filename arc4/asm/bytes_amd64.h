// One stream on a permutation of bytes, looking four steps ahead; words_amd64.s
// says how and why.
//
// DI is the permutation, R12 is -i and then -x, CX j, R13 the bytes left, BX src
// and R15 dst. SI points to entry x+1 and R11 to entry x+17, in which x+16 has
// wrapped.

// PATCH is the branch for a store that hits the look-ahead: DX is j-i-1, which is
// 0, 1 or 2, and a, the value stored, replaces a1, a2 or a3.
#define PATCH(hit, back, a, a1, a2, a3) \
hit: \
	TESTB DX, DX    \
	CMOVLEQ a, a1   \
	CMPB DX, $1     \
	CMOVLEQ a, a2   \
	CMPB DX, $2     \
	CMOVLEQ a, a3   \
	JMP back

// SWAP is step k of a block up to the output: i is x+k+1, and a holds S[i]; cur is
// its place. It leaves the index of the output byte in a.
#define SWAP(k, a, cur, hit, back) \
	ADDB a, CX                      \
	LEAL -(k+2)(CX)(R12*1), DX      \
	CMPB DX, $3                     \
	JCS hit                         \
back: \
	MOVBLZX (DI)(CX*1), DX          \
	MOVB a, (DI)(CX*1)              \
	MOVB DX, cur                    \
	ADDB DX, a

// ARGUMENTS fetches the arguments of func(s *perm, dst, src *byte, n int).
#define ARGUMENTS \
	MOVQ s+0(FP), DI       \
	MOVQ dst+8(FP), R15    \
	MOVQ src+16(FP), BX    \
	MOVQ n+24(FP), R13     \
	MOVL perm_i(DI), R12   \
	MOVL perm_j(DI), CX

// SINGLES does one byte at a time until blocks can begin, which is where i is a
// multiple of 16, as with a fresh key. Then it goes on at blocks, otherwise, with
// nothing left, at done.
#define SINGLES(more, single, blocks, done) \
more: \
	CMPQ R13, $16                  \
	JCS single                     \
	TESTL $15, R12                 \
	JEQ blocks                     \
single: \
	INCB R12                       \
	MOVBLZX (DI)(R12*1), AX        \
	ADDB AX, CX                    \
	MOVBLZX (DI)(CX*1), DX         \
	MOVB AX, (DI)(CX*1)            \
	MOVB DX, (DI)(R12*1)           \
	ADDB DX, AX                    \
	MOVBLZX (DI)(AX*1), AX         \
	XORB (BX), AX                  \
	MOVB AX, (R15)                 \
	INCQ BX                        \
	INCQ R15                       \
	DECQ R13                       \
	JNE more                       \
	JMP done

// LOOKAHEAD fills the registers before the first block.
#define LOOKAHEAD \
	LEAQ 1(DI)(R12*1), SI \
	MOVBLZX (SI), AX      \
	MOVBLZX 1(SI), R8     \
	MOVBLZX 2(SI), R9     \
	MOVBLZX 3(SI), R10    \
	NEGL R12

// NEXTBLOCK finds the block after this one.
#define NEXTBLOCK \
	MOVL $16, R11        \
	SUBL R12, R11        \
	MOVBLZX R11, R11     \
	LEAQ 1(DI)(R11*1), R11

// ADVANCE moves on by a block, to block if there is another one, or to more if
// there are bytes left.
#define ADVANCE(block, more) \
	ADDQ $16, BX         \
	ADDQ $16, R15        \
	MOVQ R11, SI         \
	SUBL $16, R12        \
	SUBQ $16, R13        \
	CMPQ R13, $16        \
	JCC block            \
	NEGL R12             \
	MOVBLZX R12, R12     \
	TESTQ R13, R13       \
	JNE more

#define PUTBACK \
	MOVL R12, perm_i(DI) \
	MOVL CX, perm_j(DI)
