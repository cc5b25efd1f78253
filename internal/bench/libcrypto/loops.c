//go:build libcrypto && cgo

/*
 * The workloads of package speed on OpenSSL's RC4. Each function does all its
 * operations before it returns, so a caller in Go pays for one call only.
 */
#include "loops.h"

#include <string.h>

/* The generator of keys: xorshift64, as in speed/keys.go. */
static uint64_t next_random(uint64_t *random)
{
	uint64_t x = *random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *random = x;
}

/* fill makes size bytes of keys, a multiple of 8. */
static void fill(uint64_t *random, unsigned char *keys, size_t size)
{
	for (size_t i = 0; i + 8 <= size; i += 8) {
		uint64_t x = next_random(random);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		x = __builtin_bswap64(x);
#endif
		memcpy(keys + i, &x, sizeof x);
	}
}

/* One key stream, block after block in place. */
void loops_stream(RC4_KEY *state, unsigned char *block, size_t size, uint64_t n)
{
	for (; n > 0; n--)
		RC4(state, size, block, block);
}

/* A fresh key every time, and nothing encrypted. */
void loops_key_setup(RC4_KEY *state, uint64_t *random, unsigned char *key, uint64_t n)
{
	for (; n > 0; n--) {
		fill(random, key, LOOPS_KEY);
		RC4_set_key(state, LOOPS_KEY, key);
	}
}

/* In every call layout->count packets in place, with a fresh key each; the keys are all made first. */
void loops_packets(RC4_KEY *state, uint64_t *random, unsigned char *keys, unsigned char *packets,
		   struct loops_packets *layout, const uint32_t *lengths, uint64_t calls)
{
	for (; calls > 0; calls--) {
		fill(random, keys, layout->count * LOOPS_KEY);
		for (size_t i = 0; i < layout->count; i++) {
			unsigned char *packet = packets + i * layout->stride;

			RC4_set_key(state, LOOPS_KEY, keys + i * LOOPS_KEY);
			RC4(state, lengths[layout->next + i], packet, packet);
		}
		layout->next += layout->count;
		if (layout->next == layout->lengths)
			layout->next = 0;
	}
}

/*
 * hash is GetNewKeyFromSHA of RFC 3079. SHA1_Init, SHA1_Update and SHA1_Final
 * are the fastest way that OpenSSL has; SHA1() looks its algorithm up anew in
 * every call since version 3.
 */
static void hash(const struct loops_session *s, unsigned char *digest)
{
	SHA_CTX c;

	SHA1_Init(&c);
	SHA1_Update(&c, s->message, sizeof s->message);
	SHA1_Final(digest, &c);
}

/* Starts a direction with its start key. */
void loops_session_start(struct loops_session *s, const unsigned char *key)
{
	unsigned char digest[SHA_DIGEST_LENGTH];
	unsigned char *session = s->message + LOOPS_KEY + LOOPS_PAD;

	memset(s, 0, sizeof *s);
	memcpy(s->message, key, LOOPS_KEY);
	memcpy(session, key, LOOPS_KEY);
	memset(session + LOOPS_KEY, 0xf2, LOOPS_PAD);
	hash(s, digest);
	memcpy(session, digest, LOOPS_KEY);
}

/* The next packet of a session: RFC 3078 section 7.3, then header and payload. The packet lies behind the header's place. */
static void encrypt(RC4_KEY *state, struct loops_session *s, unsigned char *frame, size_t size)
{
	unsigned char interim[SHA_DIGEST_LENGTH];
	unsigned char *session = s->message + LOOPS_KEY + LOOPS_PAD;
	unsigned char *packet = frame + LOOPS_MPPE_HEADER;

	hash(s, interim);
	RC4_set_key(state, LOOPS_KEY, interim);
	RC4(state, LOOPS_KEY, interim, session);
	RC4_set_key(state, LOOPS_KEY, session);
	RC4(state, size, packet, packet);
	frame[0] = 0x90 | (s->count >> 8 & 0x0f);
	frame[1] = s->count & 0xff;
	s->count++;
}

/* In every call count packets; each session has an equal share of them, one after another. */
void loops_mppe(RC4_KEY *state, struct loops_session *sessions, size_t session_count, unsigned char *packets,
		size_t count, size_t stride, size_t size, uint64_t calls)
{
	size_t share = count / session_count;

	for (; calls > 0; calls--)
		for (size_t i = 0; i < count; i++)
			encrypt(state, sessions + i / share, packets + i * stride, size);
}
