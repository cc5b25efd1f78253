// IDENTITY where entry v is the word v<<24 | v: see setkey_mipsx.h.

#define IDENTITY1(k) \
	MOVW A0, AT(k)          \
	ADDU B, A0

#define IDENTITY4(k) \
	IDENTITY1(k)            \
	IDENTITY1(k+1)          \
	IDENTITY1(k+2)          \
	IDENTITY1(k+3)

#define IDENTITY16(k) \
	IDENTITY4(k)            \
	IDENTITY4(k+4)          \
	IDENTITY4(k+8)          \
	IDENTITY4(k+12)

#define IDENTITY \
	MOVW R0, A0             \
	MOVW $0x01000001, B     \
identity: \
	IDENTITY16(0)           \
	IDENTITY16(16)          \
	IDENTITY16(32)          \
	IDENTITY16(48)          \
	ADDU $(64*SCALE), CUR   \
	BNE CUR, END, identity
