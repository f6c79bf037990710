//go:build amd64 && !purego

#include "textflag.h"

DATA nibble<>+0x00(SB)/8, $0x0f0f0f0f0f0f0f0f
DATA nibble<>+0x08(SB)/8, $0x0f0f0f0f0f0f0f0f
DATA nibble<>+0x10(SB)/8, $0x0f0f0f0f0f0f0f0f
DATA nibble<>+0x18(SB)/8, $0x0f0f0f0f0f0f0f0f
GLOBL nibble<>(SB), RODATA|NOPTR, $32

// The buckets whose byte at a place of the fingerprint is in place, for 32
// places from TEXT+AX+OFF, into OUT; Y9 and Y10 are overwritten.
#define LOOKUP(TEXT, LOW, HIGH, OFF, OUT) \
	VMOVDQU OFF(TEXT)(AX*1), Y9 \
	VPSRLW  $4, Y9, Y10         \
	VPAND   Y8, Y9, Y9          \
	VPAND   Y8, Y10, Y10        \
	VPSHUFB Y9, LOW, Y9         \
	VPSHUFB Y10, HIGH, Y10      \
	VPAND   Y9, Y10, OUT

// The buckets for which all four bytes are in place, into OUT.
#define BLOCK(OFF, OUT) \
	LOOKUP(SI, Y0, Y4, OFF, OUT)  \
	LOOKUP(R10, Y1, Y5, OFF, Y13) \
	LOOKUP(R11, Y2, Y6, OFF, Y14) \
	LOOKUP(R12, Y3, Y7, OFF, Y15) \
	VPAND  Y13, OUT, OUT          \
	VPAND  Y14, Y15, Y14          \
	VPAND  Y14, OUT, OUT

// func teddy(masks *teddyMasks, text *byte, n, stride int, found *[32]byte) (pos int, places uint32)
TEXT ·teddy(SB), NOSPLIT, $0-52
	MOVQ masks+0(FP), DI
	MOVQ text+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ stride+24(FP), R9
	MOVQ found+32(FP), DX

	// The text from each place of the fingerprint.
	LEAQ (SI)(R9*1), R10
	LEAQ (SI)(R9*2), R11
	LEAQ (R10)(R9*2), R12

	VMOVDQU 0(DI), Y0
	VMOVDQU 32(DI), Y1
	VMOVDQU 64(DI), Y2
	VMOVDQU 96(DI), Y3
	VMOVDQU 128(DI), Y4
	VMOVDQU 160(DI), Y5
	VMOVDQU 192(DI), Y6
	VMOVDQU 224(DI), Y7
	VMOVDQU nibble<>(SB), Y8

	XORQ AX, AX
	LEAQ (R9)(R9*2), R9
	SUBQ $32, CX
	SUBQ R9, CX   // the last place a block may begin
	MOVQ CX, R8
	SUBQ $32, R8  // the last place two may
	JLT  single

double:
	CMPQ AX, R8
	JGT  single
	BLOCK(0, Y11)
	BLOCK(32, Y12)
	VPOR   Y11, Y12, Y13
	VPTEST Y13, Y13
	JNZ    which
	ADDQ   $64, AX
	JMP    double

which:
	VPTEST  Y11, Y11
	JNZ     hit
	ADDQ    $32, AX
	VMOVDQA Y12, Y11
	JMP     hit

single:
	CMPQ AX, CX
	JGT  none
	BLOCK(0, Y11)
	VPTEST Y11, Y11
	JNZ    hit
	ADDQ   $32, AX
	JMP    single

hit:
	VMOVDQU   Y11, (DX)
	VPXOR     Y9, Y9, Y9
	VPCMPEQB  Y9, Y11, Y9
	VPMOVMSKB Y9, R9
	NOTL      R9
	VZEROUPPER
	MOVQ      AX, pos+40(FP)
	MOVL      R9, places+48(FP)
	RET

none:
	SUBQ $32, AX
	VZEROUPPER
	MOVQ AX, pos+40(FP)
	MOVL $0, places+48(FP)
	RET
