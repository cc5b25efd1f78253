// FETCH0 to FETCH3, GATHER and SINGLE where the entries are words whose first
// byte is the value and Q points to one: see rc4_mipsx.h.

#define FETCH0 \
	MOVW (Q), W
#ifdef GOARCH_mipsle
#define FETCH1 \
	MOVWL 2(Q), W
#define FETCH2 \
	MOVWL 1(Q), W
#define FETCH3 \
	MOVWL (Q), W
#else
#define FETCH1 \
	MOVWR 2(Q), W
#define FETCH2 \
	MOVWR 1(Q), W
#define FETCH3 \
	MOVWR (Q), W
#endif
#define GATHER
#define SINGLE \
	MOVBU (Q), W
