//go:build amd64 && !purego

#include "textflag.h"

DATA control<>+0x00(SB)/8, $0x1f1f1f1f1f1f1f1f
DATA control<>+0x08(SB)/8, $0x1f1f1f1f1f1f1f1f
GLOBL control<>(SB), RODATA|NOPTR, $16
DATA backslash<>+0x00(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA backslash<>+0x08(SB)/8, $0x5c5c5c5c5c5c5c5c
GLOBL backslash<>(SB), RODATA|NOPTR, $16
DATA doublequote<>+0x00(SB)/8, $0x2222222222222222
DATA doublequote<>+0x08(SB)/8, $0x2222222222222222
GLOBL doublequote<>(SB), RODATA|NOPTR, $16

// func narrow16(dst, src *byte, n int, json bool) (read, wrote int)
//
// Sixteen characters are packed to bytes at a time. Packing makes 0xff of
// characters from U+0100, and 0 of those from U+8000, so all that end the run
// have their high bit set or are control characters. Plain text ends at 0, too;
// quotes and backslashes are let through there by looking for 0xff.
TEXT ·narrow16(SB), NOSPLIT, $0-48
	MOVQ    dst+0(FP), DI
	MOVQ    src+8(FP), SI
	MOVQ    n+16(FP), CX
	MOVBLZX json+24(FP), AX
	MOVQ    SI, R9
	MOVQ    DI, R10
	PXOR    X7, X7
	PCMPEQB X8, X8
	PCMPEQB X9, X9
	TESTL   AX, AX
	JZ      next
	MOVOU   control<>(SB), X7
	MOVOU   doublequote<>(SB), X8
	MOVOU   backslash<>(SB), X9

next:
	MOVL $16, R11
	MOVL $0xffff, R12
	CMPQ CX, $16
	JAE  sixteen
	TESTQ CX, CX
	JZ   end

	// The last ones: what is behind them is read, but only in their page.
	MOVL SI, AX
	ANDL $4095, AX
	CMPL AX, $4064
	JA   one
	MOVQ CX, R11
	MOVL $1, R12
	SHLL CX, R12
	DECL R12

sixteen:
	MOVOU    (SI), X0
	MOVOU    16(SI), X1
	PACKUSWB X1, X0
	MOVOU    X0, (DI)
	MOVO     X0, X2
	MOVO     X0, X3
	MOVO     X0, X4
	PMINUB   X7, X2
	PCMPEQB  X0, X2
	PCMPEQB  X8, X3
	PCMPEQB  X9, X4
	POR      X3, X2
	POR      X4, X0
	POR      X2, X0
	PMOVMSKB X0, AX
	ANDL     R12, AX
	JNZ      special
	LEAQ     (SI)(R11*2), SI
	ADDQ     R11, DI
	SUBQ     R11, CX
	JMP      next

special:
	BSFL AX, DX
	ADDQ DX, DI
	LEAQ (SI)(DX*2), SI
	SUBQ DX, CX
	MOVWLZX (SI), BX
	CMPL BX, $0x5c
	JEQ  escape
	CMPL BX, $0x22
	JNE  end

escape:
	SHLL $8, BX
	ORL  $0x5c, BX
	MOVW BX, (DI)
	ADDQ $2, DI
	ADDQ $2, SI
	DECQ CX
	JMP  next

one:
	MOVWLZX (SI), BX
	CMPL    BX, $0x7f
	JA      end
	TESTL   BX, BX
	JZ      end
	CMPB    json+24(FP), $0
	JEQ     plain
	CMPL    BX, $0x20
	JB      end
	CMPL    BX, $0x5c
	JEQ     escape
	CMPL    BX, $0x22
	JEQ     escape

plain:
	MOVB BX, (DI)
	INCQ DI
	ADDQ $2, SI
	DECQ CX
	JMP  next

end:
	SUBQ R9, SI
	SUBQ R10, DI
	MOVQ SI, read+32(FP)
	MOVQ DI, wrote+40(FP)
	RET
