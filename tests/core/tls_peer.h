#ifndef KEDGE_TESTS_TLS_PEER_H
#define KEDGE_TESTS_TLS_PEER_H

/* The words of scripted TLS servers: each says bytes that a real one wouldn't. */

#include "tls_client.h"

/* bytes that are put together piece by piece */
struct bytes {
	unsigned char at[4096];
	size_t n;
};

static inline struct bytes
raw(const void *from, size_t n)
{
	struct bytes b = { .n = n };

	assert_true(n <= sizeof b.at);
	memcpy(b.at, from, n);
	return b;
}

static inline struct bytes
fill(int byte, size_t n)
{
	struct bytes b = { .n = n };

	assert_true(n <= sizeof b.at);
	memset(b.at, byte, n);
	return b;
}

static inline struct bytes
plus(struct bytes a, struct bytes b)
{
	assert_true(a.n + b.n <= sizeof a.at);
	memcpy(a.at + a.n, b.at, b.n);
	a.n += b.n;
	return a;
}

static inline struct bytes
number(size_t value, size_t width)
{
	struct bytes b = { .n = width };

	for (size_t i = 0; i < width; i++)
		b.at[i] = (unsigned char)(value >> 8 * (width - 1 - i));
	return b;
}

/* A vector: its length in so many bytes, then what it holds. */
static inline struct bytes
sized(size_t width, struct bytes b)
{
	return plus(number(b.n, width), b);
}

/* A DER element. */
static inline struct bytes
der(int tag, struct bytes b)
{
	size_t width = b.n < 128 ? 0 : b.n < 256 ? 1 : 2;
	struct bytes head = number((size_t)tag, 1);

	if (width > 0)
		head = plus(head, number(0x80 | width, 1));
	return plus(plus(head, number(b.n, width > 0 ? width : 1)), b);
}

/* A certificate that parses up to and behind its key; nobody signed it. */
static inline struct bytes
certificate(struct bytes key_info)
{
	const struct bytes sha256_rsa = der(0x30, raw("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00", 13));
	const struct bytes name = der(0x30, der(0x31, der(0x30, raw("\x06\x03\x55\x04\x03\x0c\x01x", 8))));
	const struct bytes date = der(0x17, raw("250101000000Z", 13));
	struct bytes tbs = plus(raw("\xa0\x03\x02\x01\x02\x02\x01\x01", 8), sha256_rsa);

	tbs = plus(plus(tbs, name), plus(der(0x30, plus(date, date)), name));
	tbs = der(0x30, plus(tbs, key_info));
	return der(0x30, plus(plus(tbs, sha256_rsa), der(0x03, fill(0, 33))));
}

static inline struct bytes
ec_key(size_t point_length)
{
	const struct bytes p256 =
		raw("\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 19);
	struct bytes point = plus(number(0, 1), plus(number(4, 1), fill(0x41, point_length - 1)));

	return der(0x30, plus(der(0x30, p256), der(0x03, point)));
}

static inline struct bytes
rsa_key(size_t modulus_length, struct bytes exponent)
{
	const struct bytes rsa = raw("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 13);
	struct bytes key = plus(der(0x02, fill(0x7f, modulus_length)), der(0x02, exponent));

	return der(0x30, plus(der(0x30, rsa), der(0x03, plus(number(0, 1), der(0x30, key)))));
}

static inline void
say(int fd, struct bytes b)
{
	size_t done = 0;

	while (done < b.n) {
		ssize_t put = send(fd, b.at + done, b.n - done, MSG_NOSIGNAL);

		if (put <= 0)
			_exit(0); /* the client has hung up, which is what most cases expect */
		done += (size_t)put;
	}
}

static inline void
say_text(int fd, const char *text)
{
	say(fd, raw(text, strlen(text)));
}

enum { CIPHER_CHANGE = 20, ALERT = 21, HANDSHAKE = 22 }; /* types of records */

static inline struct bytes
record(int type, unsigned version, struct bytes b)
{
	return plus(number((size_t)type, 1), plus(number(version, 2), sized(2, b)));
}

static inline void
say_record(int fd, int type, struct bytes b)
{
	say(fd, record(type, 0x0303, b));
}

static inline struct bytes
message(int type, struct bytes body)
{
	return plus(number((size_t)type, 1), sized(3, body));
}

static inline struct bytes
alert(int level, int number_of)
{
	return record(ALERT, 0x0303, plus(number((size_t)level, 1), number((size_t)number_of, 1)));
}

/* Waits for the ClientHello, whole: one record. */
static inline void
hear_hello(int fd)
{
	unsigned char head[5], body[4096];
	size_t n;

	if (recv(fd, head, sizeof head, MSG_WAITALL) != sizeof head)
		_exit(1);
	n = (size_t)head[3] << 8 | head[4];
	if (n > sizeof body || recv(fd, body, n, MSG_WAITALL) != (ssize_t)n)
		_exit(1);
}

/* Reads on until the client hangs up. */
static inline void
stay(int fd)
{
	unsigned char sink[4096];

	while (recv(fd, sink, sizeof sink, 0) > 0)
		;
}

static inline void
reset(int fd)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	(void)close(fd);
}

static inline struct bytes
server_hello(unsigned version, unsigned suite, struct bytes extensions)
{
	struct bytes body = plus(number(version, 2), fill(0x5a, 32));

	body = plus(body, plus(number(0, 1), plus(number(suite, 2), number(0, 1))));
	if (extensions.n > 0)
		body = plus(body, sized(2, extensions));
	return message(2, body);
}

static inline struct bytes
extension(unsigned type, struct bytes body)
{
	return plus(number(type, 2), sized(2, body));
}

static inline struct bytes
alpn(const char *name)
{
	return extension(16, sized(2, sized(1, raw(name, strlen(name)))));
}

enum { ECDHE_RSA_AES128_GCM = 0xc02f, RSA_AES128_GCM = 0x009c }; /* suites */

/* The head of a Certificate message that will hold `total` bytes of certificates with their lengths. */
static inline struct bytes
certificate_head(size_t total)
{
	return plus(number(11, 1), plus(number(total + 3, 3), number(total, 3)));
}

/* A Certificate message of `count` certificates of `size` zero bytes each, in records of 4 KiB. */
static inline void
say_certificates(int fd, size_t count, size_t size)
{
	say_record(fd, HANDSHAKE, certificate_head(count * (size + 3)));
	while (count-- > 0) {
		say_record(fd, HANDSHAKE, number(size, 3));
		for (size_t left = size; left > 0;) {
			size_t n = left < 4000 ? left : 4000;

			say_record(fd, HANDSHAKE, fill(0, n));
			left -= n;
		}
	}
}

#endif
