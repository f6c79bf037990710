//go:build amd64 && !purego

#include "textflag.h"

DATA quote<>+0x00(SB)/8, $0x2222222222222222
DATA quote<>+0x08(SB)/8, $0x2222222222222222
DATA quote<>+0x10(SB)/8, $0x2222222222222222
DATA quote<>+0x18(SB)/8, $0x2222222222222222
GLOBL quote<>(SB), RODATA|NOPTR, $32

// func markQuotes(text *byte, words int, marks *uint64)
TEXT ·markQuotes(SB), NOSPLIT, $0-24
	MOVQ text+0(FP), SI
	MOVQ words+8(FP), CX
	MOVQ marks+16(FP), DI

	VMOVDQU quote<>(SB), Y0

loop:
	VPCMPEQB  0(SI), Y0, Y1
	VPCMPEQB  32(SI), Y0, Y2
	VPMOVMSKB Y1, AX
	VPMOVMSKB Y2, DX
	SHLQ      $32, DX
	ORQ       DX, AX
	MOVQ      AX, 0(DI)
	ADDQ      $64, SI
	ADDQ      $8, DI
	DECQ      CX
	JNZ       loop

	VZEROUPPER
	RET
