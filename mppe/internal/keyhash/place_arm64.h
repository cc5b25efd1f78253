// PLACE puts the session key, as numbers, into its place in accelerated, which PTR points to. It uses
// T0 to T3. These are the fields of accelerated, from its start:

#define WORKING 0
#define WORDS   20
#define AT      148
#define LONG    152

#define PLACE \
	MOVD a+0(FP), PTR        \
	MOVD session+16(FP), T0  \
	MOVWU AT(PTR), T1        \
	MOVWU LONG(PTR), T2      \
	ADD PTR, T1              \
	MOVD (T0), T3            \
	REV32 T3, T3             \
	MOVD T3, (T1)            \
	CBZ T2, placed           \
	MOVD 8(T0), T3           \
	REV32 T3, T3             \
	MOVD T3, 8(T1)           \
placed:
