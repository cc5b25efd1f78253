// The body of a kernel's
//
//	func(perm *T, key *byte, stride int)
//
// which runs the key set-up; key points to 16 bytes for the first 16 steps, and
// key+stride to those for the next. A stride that is not 0 is 16. It reads, but
// does not use, one entry past the permutation. See rc4_mipsx.h; beside what
// that asks for, the kernel defines
//
//	IDENTITY          a loop that fills the permutation from CUR to END
//	KEYBYTE(k, K)     brings byte k of the key into its register
//	KEYFIRST          POINTJ with the key's byte 0, after j was set to 0
//	KEYSTEP(k, K, rK) the step of byte k, and POINTJ for the next; K is the
//	                  register of byte k+1, and rK the number of byte k+2's
//	KEYLAST           the step of byte 15, and CUR goes on by 16
//
// All 16 bytes of the key stay in registers.

#define KEY Q
#define K0  R1
#define K1  R2
#define K2  R3
#define K3  R6
#define K4  R10
#define K5  R12
#define K6  R13
#define K7  R14
#define K8  R15
#define K9  R18
#define K10 R19
#define K11 R20
#define K12 R21
#define K13 R22
#define K14 R24
#define K15 R25

	MOVW perm+0(FP), S
	MOVW key+4(FP), KEY
	MOVW S, CUR
	ADDU $(256*SCALE), S, END
	IDENTITY

	MOVW S, CUR
	MOVW stride+8(FP), B
	LOAD (S), A0
	MOVW S, P
	MOVW R0, J
	BEQ B, keys
	ADDU $(16*SCALE), S, END // a block, and then other bytes of the key

keys:
	KEYBYTE(0, K0)
	KEYBYTE(1, K1)
	KEYBYTE(2, K2)
	KEYBYTE(3, K3)
	KEYBYTE(4, K4)
	KEYBYTE(5, K5)
	KEYBYTE(6, K6)
	KEYBYTE(7, K7)
	KEYBYTE(8, K8)
	KEYBYTE(9, K9)
	KEYBYTE(10, K10)
	KEYBYTE(11, K11)
	KEYBYTE(12, K12)
	KEYBYTE(13, K13)
	KEYBYTE(14, K14)
	KEYBYTE(15, K15)
	ADDU $16, KEY

block:
	KEYFIRST
	KEYSTEP(0, K1, 3)
	KEYSTEP(1, K2, 6)
	KEYSTEP(2, K3, 10)
	KEYSTEP(3, K4, 12)
	KEYSTEP(4, K5, 13)
	KEYSTEP(5, K6, 14)
	KEYSTEP(6, K7, 15)
	KEYSTEP(7, K8, 18)
	KEYSTEP(8, K9, 19)
	KEYSTEP(9, K10, 20)
	KEYSTEP(10, K11, 21)
	KEYSTEP(11, K12, 22)
	KEYSTEP(12, K13, 24)
	KEYSTEP(13, K14, 25)
	KEYSTEP(14, K15, 0)
	KEYLAST
	BNE CUR, END, block
	ADDU $(16*SCALE), END
	AND $(255*SCALE), CUR, B // 0 at the permutation's end, which is aligned
	BNE B, keys
	RET
