//go:build (mips || mipsle) && !purego

#include "textflag.h"

// MADDU(r) adds register r to the 64 bits of HI and LO: r times the 1 in R3 (MIPS32, SPECIAL2).
#define MADDU(r) WORD $(0x70030001 | (r)<<21)

// func sumWords(p *byte, words int) (high, low uint32)
TEXT ·sumWords(SB), NOSPLIT, $0-16
	MOVW p+0(FP), R1
	MOVW words+4(FP), R2
	MOVW $1, R3
	MOVW R0, HI
	MOVW R0, LO
	SRL  $4, R2, R20
	AND  $15, R2, R21
	SLL  $6, R20
	ADDU R1, R20 // the end of the whole blocks
	SLL  $2, R21
	ADDU R20, R21 // the end of all
	BEQ  R1, R20, words

blocks:
	MOVW 0(R1), R4
	MOVW 4(R1), R5
	MOVW 8(R1), R6
	MOVW 12(R1), R7
	MOVW 16(R1), R8
	MOVW 20(R1), R9
	MOVW 24(R1), R10
	MOVW 28(R1), R11
	MOVW 32(R1), R12
	MOVW 36(R1), R13
	MOVW 40(R1), R14
	MOVW 44(R1), R15
	MOVW 48(R1), R16
	MOVW 52(R1), R17
	MOVW 56(R1), R18
	MOVW 60(R1), R19
	MADDU(4)
	MADDU(5)
	MADDU(6)
	MADDU(7)
	MADDU(8)
	MADDU(9)
	MADDU(10)
	MADDU(11)
	MADDU(12)
	MADDU(13)
	MADDU(14)
	MADDU(15)
	MADDU(16)
	MADDU(17)
	MADDU(18)
	MADDU(19)
	ADDU $64, R1
	BNE  R1, R20, blocks

words:
	BEQ  R1, R21, done
	MOVW 0(R1), R4
	ADDU $4, R1
	MADDU(4)
	JMP  words

done:
	MOVW HI, R4
	MOVW LO, R5
	MOVW R4, high+8(FP)
	MOVW R5, low+12(FP)
	RET
