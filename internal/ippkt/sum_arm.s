//go:build !purego

#include "textflag.h"

// The loops count with TEQ, which leaves the carry alone.

// func sumWords(p *byte, words int) (high, low uint32)
TEXT ·sumWords(SB), NOSPLIT, $0-16
	MOVW  p+0(FP), R0
	MOVW  words+4(FP), R1
	MOVW  $0, R2
	MOVW  R1>>3, R3
	AND   $7, R1
	ADD.S $0, R2 // no carry
	TEQ   $0, R3
	BEQ   words

blocks:
	MOVM.IA.W (R0), [R4-R7]
	ADC.S     R4, R2
	ADC.S     R5, R2
	ADC.S     R6, R2
	ADC.S     R7, R2
	MOVM.IA.W (R0), [R4-R7]
	ADC.S     R4, R2
	ADC.S     R5, R2
	ADC.S     R6, R2
	ADC.S     R7, R2
	SUB       $1, R3
	TEQ       $0, R3
	BNE       blocks

words:
	TEQ    $0, R1
	BEQ    done
	MOVW.P 4(R0), R4
	ADC.S  R4, R2
	SUB    $1, R1
	B      words

done:
	MOVW $0, R3
	ADC  $0, R3
	MOVW R3, high+8(FP)
	MOVW R2, low+12(FP)
	RET
