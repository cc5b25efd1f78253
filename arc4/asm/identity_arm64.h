// FIRST64 puts entries 0 to 63 of the identity permutation into V0 to V3, and
// NEXT64 the 64 after those that are there. V4 is theirs.

#define FIRST64 \
	VMOVQ $0x0706050403020100, $0x0f0e0d0c0b0a0908, V0 \
	VMOVI $16, V4.B16                                  \
	VADD V4.B16, V0.B16, V1.B16                        \
	VADD V4.B16, V1.B16, V2.B16                        \
	VADD V4.B16, V2.B16, V3.B16                        \
	VMOVI $64, V4.B16

#define NEXT64 \
	VADD V4.B16, V0.B16, V0.B16 \
	VADD V4.B16, V1.B16, V1.B16 \
	VADD V4.B16, V2.B16, V2.B16 \
	VADD V4.B16, V3.B16, V3.B16
