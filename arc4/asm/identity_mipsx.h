// IDENTITY where entry v is the word v<<24 | v: see setkey_mipsx.h.

#define IDENTITY1(k) \
	MOVW A0, AT(k)          \
	ADDU B, A0

#define IDENTITY4(k) \
	IDENTITY1(k)            \
	IDENTITY1(k+1)          \
	IDENTITY1(k+2)          \
	IDENTITY1(k+3)

#define IDENTITY \
	MOVW R0, A0             \
	MOVW $0x01000001, B     \
identity: \
	IDENTITY4(0)            \
	IDENTITY4(4)            \
	IDENTITY4(8)            \
	IDENTITY4(12)           \
	ADDU $(16*SCALE), CUR   \
	BNE CUR, END, identity
