//go:build amd64 && !purego

#include "textflag.h"

// func sameFree(a, b *byte, free *uint32, blocks int) bool
TEXT ·sameFree(SB), NOSPLIT, $0-33
	MOVQ a+0(FP), SI
	MOVQ b+8(FP), DI
	MOVQ free+16(FP), DX
	MOVQ blocks+24(FP), CX
	MOVL $-1, BX

loop:
	VMOVDQU   (SI), Y0
	VPCMPEQB  (DI), Y0, Y0
	VPMOVMSKB Y0, AX
	ORL       (DX), AX
	ANDL      AX, BX
	ADDQ      $32, SI
	ADDQ      $32, DI
	ADDQ      $4, DX
	DECQ      CX
	JNZ       loop

	VZEROUPPER
	CMPL  BX, $-1
	SETEQ ret+32(FP)
	RET
