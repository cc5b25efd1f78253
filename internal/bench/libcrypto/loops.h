/* The loops of package libcrypto: see loops.c. */
#ifndef ARC4TUN_LOOPS_H
#define ARC4TUN_LOOPS_H

#include <openssl/crypto.h>
#include <openssl/opensslconf.h>
#include <stddef.h>
#include <stdint.h>

#ifdef OPENSSL_NO_RC4
#error "this OpenSSL was built without RC4 (no-rc4); build without the tag libcrypto, or against another OpenSSL"
#endif

#include <openssl/rc4.h>
#include <openssl/sha.h>

enum {
	LOOPS_KEY = 16,        /* bytes of every key */
	LOOPS_PAD = 40,        /* bytes of each pad of RFC 3079 section 3.4 */
	LOOPS_MPPE_HEADER = 2, /* bytes before the packet */
	LOOPS_MESSAGE = 2 * LOOPS_KEY + 2 * LOOPS_PAD
};

/* What all packets of a loop have in common. Packet i is at packets + i * stride. */
struct loops_packets {
	size_t count;  /* of packets */
	size_t stride; /* bytes from one to the next */
	size_t next;   /* the place in lengths of the next packet */
	size_t lengths; /* how many there are; a multiple of count */
};

/* One direction of a session of stateless 128-bit MPPE. */
struct loops_session {
	unsigned char message[LOOPS_MESSAGE]; /* what SHA-1 hashes: start key, zeros, session key, 40 times 0xf2 */
	uint64_t count;                       /* of packets so far */
};

void loops_stream(RC4_KEY *state, unsigned char *block, size_t size, uint64_t n);
void loops_key_setup(RC4_KEY *state, uint64_t *random, unsigned char *key, uint64_t n);
void loops_packets(RC4_KEY *state, uint64_t *random, unsigned char *keys, unsigned char *packets,
		   struct loops_packets *layout, const uint32_t *lengths, uint64_t calls);
void loops_session_start(struct loops_session *s, const unsigned char *key);
void loops_mppe(RC4_KEY *state, struct loops_session *sessions, size_t session_count, unsigned char *packets,
		size_t count, size_t stride, size_t size, uint64_t calls);

#endif
