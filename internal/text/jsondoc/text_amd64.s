//go:build amd64 && !purego

#include "textflag.h"

DATA blank<>+0x00(SB)/8, $0x2020202020202020
DATA blank<>+0x08(SB)/8, $0x2020202020202020
GLOBL blank<>(SB), RODATA|NOPTR, $16
DATA slash<>+0x00(SB)/8, $0x2f2f2f2f2f2f2f2f
DATA slash<>+0x08(SB)/8, $0x2f2f2f2f2f2f2f2f
GLOBL slash<>(SB), RODATA|NOPTR, $16
DATA backslash<>+0x00(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA backslash<>+0x08(SB)/8, $0x5c5c5c5c5c5c5c5c
GLOBL backslash<>(SB), RODATA|NOPTR, $16
DATA doublequote<>+0x00(SB)/8, $0x2222222222222222
DATA doublequote<>+0x08(SB)/8, $0x2222222222222222
GLOBL doublequote<>(SB), RODATA|NOPTR, $16

// LAST puts the CX bytes at SI, fewer than eight, into X0 and zeros behind them.
// It reads around them, but only in pages that they are in.
#define LAST(back, done) \
	MOVQ SI, AX \
	ANDL $4095, AX \
	CMPL AX, $4088 \
	JA   back \
	MOVQ (SI), BX \
	MOVQ $8, AX \
	SUBQ CX, AX \
	SHLQ $3, AX \
	XCHGQ AX, CX \
	SHLQ CX, BX \
	SHRQ CX, BX \
	XCHGQ AX, CX \
	JMP  done \
back: \
	MOVQ -8(SI)(CX*1), BX \
	MOVQ $8, AX \
	SUBQ CX, AX \
	SHLQ $3, AX \
	XCHGQ AX, CX \
	SHRQ CX, BX \
	XCHGQ AX, CX \
done: \
	MOVQ BX, X0

// func escapeText(dst, src *byte, n int) (read, wrote int)
TEXT ·escapeText(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	LEAQ ·escapeShuffle(SB), R8
	MOVQ SI, R9
	MOVQ DI, R10

	MOVOU blank<>(SB), X7
	MOVOU doublequote<>(SB), X8
	MOVOU backslash<>(SB), X9

	SUBQ $8, CX
	JB   tail

loop:
	MOVQ     (SI), X0
	MOVO     X7, X1
	PCMPGTB  X0, X1
	PMOVMSKB X1, AX
	TESTB    AL, AL
	JNZ      end
	MOVO     X0, X2
	MOVO     X0, X3
	PCMPEQB  X8, X2
	PCMPEQB  X9, X3
	POR      X3, X2
	PMOVMSKB X2, BX
	MOVQ     BX, DX
	SHLQ     $4, DX
	MOVOU    (R8)(DX*1), X4
	PSHUFB   X4, X0
	PXOR     X5, X5
	PCMPGTB  X4, X5
	PAND     X9, X5
	POR      X5, X0
	MOVOU    X0, (DI)
	POPCNTL  BX, BX
	ADDQ     $8, SI
	LEAQ     8(DI)(BX*1), DI
	SUBQ     $8, CX
	JAE      loop

tail:
	ADDQ $8, CX
	JZ   end
	LAST(back, done)
	MOVO     X7, X1
	PCMPGTB  X0, X1
	PMOVMSKB X1, AX
	MOVL     $1, DX
	SHLL     CX, DX
	DECL     DX
	TESTL    DX, AX
	JNZ      end
	MOVO     X0, X2
	MOVO     X0, X3
	PCMPEQB  X8, X2
	PCMPEQB  X9, X3
	POR      X3, X2
	PMOVMSKB X2, BX
	MOVQ     BX, DX
	SHLQ     $4, DX
	MOVOU    (R8)(DX*1), X4
	PSHUFB   X4, X0
	PXOR     X5, X5
	PCMPGTB  X4, X5
	PAND     X9, X5
	POR      X5, X0
	MOVOU    X0, (DI)
	POPCNTL  BX, BX
	ADDQ     CX, SI
	ADDQ     CX, DI
	ADDQ     BX, DI

end:
	SUBQ R9, SI
	SUBQ R10, DI
	MOVQ SI, read+24(FP)
	MOVQ DI, wrote+32(FP)
	RET

// func unescapeText(dst, src *byte, n int) (read, wrote int)
TEXT ·unescapeText(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	LEAQ ·unescapeShuffle(SB), R8
	LEAQ ·escapes(SB), R11
	MOVQ SI, R9
	MOVQ DI, R10

	MOVOU slash<>(SB), X7
	MOVOU doublequote<>(SB), X8
	MOVOU backslash<>(SB), X9

	XORL  R12, R12 // 256 when the next byte is escaped

next:
	SUBQ $8, CX
	JB   tail
	MOVQ (SI), X0
	MOVL $8, R13

word:
	// R13 bytes of X0, of which those that begin an escape go.
	PMOVMSKB X0, AX
	TESTL    AX, AX
	JNZ      end
	MOVO     X0, X2
	PCMPEQB  X9, X2
	PMOVMSKB X2, BX
	MOVO     X0, X3
	PCMPEQB  X8, X3
	POR      X3, X2
	MOVO     X0, X4
	PCMPEQB  X7, X4
	POR      X4, X2
	PMOVMSKB X2, DX
	NOTL     DX
	ADDL     R12, BX
	MOVL     (R11)(BX*4), AX
	TESTB    DL, AL
	JNZ      end
	MOVQ     (R8)(BX*8), X5
	PSHUFB   X5, X0
	MOVQ     X0, (DI)
	MOVL     AX, R12
	SHRL     $16, R12
	MOVBLZX  AH, AX
	ADDQ     R13, SI
	LEAQ     -8(DI)(R13*1), DI
	ADDQ     AX, DI
	CMPQ     R13, $8
	JEQ      next
	JMP      end

tail:
	ADDQ $8, CX
	JZ   end
	LAST(back, done)
	MOVQ CX, R13
	JMP  word

end:
	SHRL $8, R12 // a backslash whose escape has not been read
	SUBQ R12, SI
	SUBQ R9, SI
	SUBQ R10, DI
	MOVQ SI, read+24(FP)
	MOVQ DI, wrote+32(FP)
	RET
