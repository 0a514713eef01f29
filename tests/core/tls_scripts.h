#ifndef KEDGE_TESTS_TLS_SCRIPTS_H
#define KEDGE_TESTS_TLS_SCRIPTS_H

/* Broken and hostile servers, a few words each; `argument` is an int. */

#include "tls_peer.h"

static struct bytes leaf; /* a real certificate with an RSA 2048 key, in DER */

static void
nothing(int fd, void *argument)
{
	(void)argument;
	hear_hello(fd);
}

static void
says_http(int fd, void *argument)
{
	(void)argument;
	hear_hello(fd);
	say_text(fd, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
	stay(fd);
}

static void
says_ssh(int fd, void *argument)
{
	(void)argument;
	say_text(fd, "SSH-2.0-OpenSSH_9.2\r\n");
	stay(fd);
}

static void
resets_unheard(int fd, void *argument)
{
	unsigned char first;

	(void)argument;
	(void)recv(fd, &first, 1, MSG_PEEK); /* sooner it would be the connection that fails */
	reset(fd);
}

static void
closes_unheard(int fd, void *argument)
{
	unsigned char first;

	(void)argument;
	(void)recv(fd, &first, 1, MSG_PEEK); /* what wasn't read turns the close into a reset */
}

static void
resets_after_hello(int fd, void *argument)
{
	(void)argument;
	hear_hello(fd);
	reset(fd);
}

static void
stops_inside_record(int fd, void *argument)
{
	(void)argument;
	hear_hello(fd);
	say(fd, raw("\x16\x03\x03\x00\x50\x02\x00", 7));
}

static void
stops_after_server_hello(int fd, void *argument)
{
	(void)argument;
	hear_hello(fd);
	say_record(fd, HANDSHAKE, server_hello(0x0303, ECDHE_RSA_AES128_GCM, fill(0, 0)));
}

static void
says_goodbye(int fd, void *argument)
{
	(void)argument;
	hear_hello(fd);
	say(fd, alert(1, 0));
	stay(fd);
}

static void
garbage_from(int fd, void *argument)
{
	const int first = *(const int *)argument;

	hear_hello(fd);
	say(fd, plus(number((size_t)first, 1), fill(0xe7, 400)));
	stay(fd);
}

static void
garbage_record(int fd, void *argument)
{
	(void)argument;
	hear_hello(fd);
	say_record(fd, HANDSHAKE, fill(0x99, 100));
	stay(fd);
}

static void
huge_record(int fd, void *argument)
{
	(void)argument;
	hear_hello(fd);
	say(fd, plus(raw("\x16\x03\x03\xff\xff", 5), fill(0, 4000)));
	stay(fd);
}

static void
repeats(int fd, struct bytes b)
{
	struct bytes many = b;

	hear_hello(fd);
	while (many.n + b.n <= sizeof many.at)
		many = plus(many, b);
	for (;;)
		say(fd, many);
}

static void
floods_empty_records(int fd, void *argument)
{
	(void)argument;
	repeats(fd, record(HANDSHAKE, 0x0303, fill(0, 0)));
}

static void
floods_hello_requests(int fd, void *argument)
{
	(void)argument;
	repeats(fd, record(HANDSHAKE, 0x0303, message(0, fill(0, 0))));
}

static void
floods_warnings(int fd, void *argument)
{
	(void)argument;
	repeats(fd, alert(1, 90));
}

static void
warns_then_closes(int fd, void *argument)
{
	const int number_of = *(const int *)argument;

	hear_hello(fd);
	say(fd, alert(1, number_of));
}

static void
alerts(int fd, void *argument)
{
	const int number_of = *(const int *)argument;

	hear_hello(fd);
	say(fd, alert(2, number_of));
	stay(fd);
}

static void
alerts_then_resets(int fd, void *argument)
{
	const int number_of = *(const int *)argument;
	unsigned char first;

	(void)recv(fd, &first, 1, MSG_PEEK); /* sooner it would be the connection that fails */
	say(fd, alert(2, number_of));
	reset(fd);
}

static void
alerts_after_server_hello(int fd, void *argument)
{
	const int number_of = *(const int *)argument;

	hear_hello(fd);
	say_record(fd, HANDSHAKE, server_hello(0x0303, ECDHE_RSA_AES128_GCM, fill(0, 0)));
	say(fd, alert(2, number_of));
	stay(fd);
}

static void
speaks_version(int fd, void *argument)
{
	const unsigned version = (unsigned)*(const int *)argument;

	hear_hello(fd);
	say(fd, record(HANDSHAKE, version, server_hello(version, 0x002f, fill(0, 0))));
	stay(fd);
}

static void
selects_tls13(int fd, void *argument)
{
	(void)argument;
	hear_hello(fd);
	say_record(fd, HANDSHAKE, server_hello(0x0303, 0x1301, extension(43, number(0x0304, 2))));
	stay(fd);
}

static void
selects_suite(int fd, void *argument)
{
	const unsigned suite = (unsigned)*(const int *)argument;

	hear_hello(fd);
	say_record(fd, HANDSHAKE, server_hello(0x0303, suite, fill(0, 0)));
	stay(fd);
}

static void
sends_certificates_of(int fd, size_t count, size_t size)
{
	hear_hello(fd);
	say_record(fd, HANDSHAKE, server_hello(0x0303, ECDHE_RSA_AES128_GCM, fill(0, 0)));
	say_certificates(fd, count, size);
	stay(fd);
}

static void
sends_certificates(int fd, void *argument)
{
	sends_certificates_of(fd, (size_t) * (const int *)argument, 100);
}

static void
sends_certificate_of(int fd, void *argument)
{
	sends_certificates_of(fd, 1, (size_t) * (const int *)argument);
}

static void
sends_64_kib_twice_and(int fd, void *argument)
{
	const size_t more = (size_t) * (const int *)argument;

	hear_hello(fd);
	say_record(fd, HANDSHAKE, server_hello(0x0303, ECDHE_RSA_AES128_GCM, fill(0, 0)));
	say_record(fd, HANDSHAKE, certificate_head(2 * (65536 + 3) + (more > 0 ? more + 3 : 0)));
	for (int i = 0; i < 2; i++) {
		say_record(fd, HANDSHAKE, number(65536, 3));
		for (int k = 0; k < 32; k++)
			say_record(fd, HANDSHAKE, fill(0, 2048));
	}
	if (more > 0)
		say_record(fd, HANDSHAKE, plus(number(more, 3), fill(0, more)));
	stay(fd);
}

static void
announces_16_mb(int fd, void *argument)
{
	(void)argument;
	hear_hello(fd);
	say_record(fd, HANDSHAKE, server_hello(0x0303, ECDHE_RSA_AES128_GCM, fill(0, 0)));
	say_record(fd, HANDSHAKE, raw("\x0b\xff\xff\xff\xff\xff\xfc\xff\xff\xf9", 10));
	for (;;)
		say_record(fd, HANDSHAKE, fill(0, 4000));
}

static void
sends_16_mb_in_pieces(int fd, void *argument)
{
	(void)argument;
	sends_certificates_of(fd, 270, 62000);
}

static void
sends_no_certificate(int fd, void *argument)
{
	(void)argument;
	hear_hello(fd);
	say_record(fd, HANDSHAKE, server_hello(0x0303, ECDHE_RSA_AES128_GCM, fill(0, 0)));
	say_record(fd, HANDSHAKE, certificate_head(0));
	stay(fd);
}

static void
say_leaf(int fd, struct bytes one)
{
	say_record(fd, HANDSHAKE, plus(certificate_head(one.n + 3), sized(3, one)));
}

static void
sends_leaf(int fd, struct bytes one)
{
	hear_hello(fd);
	say_record(fd, HANDSHAKE, server_hello(0x0303, RSA_AES128_GCM, fill(0, 0)));
	say_leaf(fd, one);
	say_record(fd, HANDSHAKE, message(14, fill(0, 0)));
	stay(fd);
}

static void
sends_ec_key_of(int fd, void *argument)
{
	sends_leaf(fd, certificate(ec_key((size_t) * (const int *)argument)));
}

static void
sends_rsa_modulus_of(int fd, void *argument)
{
	sends_leaf(fd, certificate(rsa_key((size_t) * (const int *)argument, number(65537, 3))));
}

static void
sends_rsa_exponent(int fd, void *argument)
{
	sends_leaf(fd, certificate(rsa_key(256, number((size_t) * (const int *)argument, 3))));
}

static void
sends_rsa_exponent_of(int fd, void *argument)
{
	sends_leaf(fd, certificate(rsa_key(256, fill(0x01, (size_t) * (const int *)argument))));
}

static void
sends_trailing_bytes(int fd, void *argument)
{
	sends_leaf(fd, plus(leaf, fill(0x30, (size_t) * (const int *)argument)));
}

/* The whole first flight of a server with static RSA, which needs no signature. */
static void
say_flight(int fd, struct bytes extensions, struct bytes request)
{
	hear_hello(fd);
	say_record(fd, HANDSHAKE, server_hello(0x0303, RSA_AES128_GCM, extensions));
	say_leaf(fd, leaf);
	if (request.n > 0)
		say_record(fd, HANDSHAKE, request);
	say_record(fd, HANDSHAKE, message(14, fill(0, 0)));
}

static void
selects_unoffered_protocol(int fd, void *argument)
{
	(void)argument;
	say_flight(fd, alpn("spdy/3"), fill(0, 0));
	stay(fd);
}

static void
has_good_flight(int fd, void *argument)
{
	(void)argument;
	say_flight(fd, fill(0, 0), fill(0, 0));
	stay(fd);
}

static void
warns_and_goes_on(int fd, void *argument)
{
	const int number_of = *(const int *)argument;

	say(fd, alert(1, number_of));
	has_good_flight(fd, NULL);
}

static void
dribbles(int fd, void *argument)
{
	struct bytes all = record(HANDSHAKE, 0x0303, server_hello(0x0303, RSA_AES128_GCM, alpn("h2")));

	(void)argument;
	all = plus(all, record(HANDSHAKE, 0x0303, plus(certificate_head(leaf.n + 3), sized(3, leaf))));
	all = plus(all, record(HANDSHAKE, 0x0303, message(14, fill(0, 0))));
	hear_hello(fd);
	for (size_t i = 0; i < all.n; i++)
		say(fd, raw(all.at + i, 1));
	stay(fd);
}

static void
signs_wrongly(int fd, void *argument)
{
	/* x25519, a point, SHA-256 with RSA, a signature */
	struct bytes exchange = plus(raw("\x03\x00\x1d", 3), sized(1, fill(9, 32)));

	(void)argument;
	exchange = plus(exchange, plus(raw("\x04\x01", 2), sized(2, fill(0x11, 256))));
	hear_hello(fd);
	say_record(fd, HANDSHAKE, server_hello(0x0303, ECDHE_RSA_AES128_GCM, fill(0, 0)));
	say_leaf(fd, leaf);
	say_record(fd, HANDSHAKE, message(12, exchange));
	stay(fd);
}

/* A CertificateRequest for RSA with SHA-256 and no authorities. */
static struct bytes
certificate_request(void)
{
	return message(13, raw("\x01\x01\x00\x02\x04\x01\x00\x00", 8));
}

/* Waits for the held flight: Certificate and ClientKeyExchange, ChangeCipherSpec, Finished. */
static void
hear_flight(int fd)
{
	hear_hello(fd);
	hear_hello(fd);
	hear_hello(fd);
}

static void
wants_certificate_and_alerts(int fd, void *argument)
{
	say_flight(fd, fill(0, 0), certificate_request());
	hear_flight(fd);
	say(fd, alert(2, *(const int *)argument));
	stay(fd);
}

static void
wants_certificate_and_closes(int fd, void *argument)
{
	(void)argument;
	say_flight(fd, fill(0, 0), certificate_request());
	hear_flight(fd);
}

static void
wants_certificate_and_resets(int fd, void *argument)
{
	(void)argument;
	say_flight(fd, fill(0, 0), certificate_request());
	hear_flight(fd);
	reset(fd);
}

static void
alerts_behind_flight(int fd, void *argument)
{
	say_flight(fd, fill(0, 0), fill(0, 0));
	hear_flight(fd);
	say(fd, alert(2, *(const int *)argument));
	stay(fd);
}

static void
closes_behind_flight(int fd, void *argument)
{
	(void)argument;
	say_flight(fd, fill(0, 0), fill(0, 0));
	hear_flight(fd);
}

/* The leaf that scripts show; its key is thrown away. */
static int
make_leaf(void **state)
{
	FILE *made = popen("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=kedge.test -keyout /dev/null"
			   " -outform DER 2>/dev/null",
			   "r");

	(void)state;
	if (made == NULL)
		return -1;
	leaf.n = fread(leaf.at, 1, sizeof leaf.at, made);
	return pclose(made) == 0 && leaf.n > 0 && leaf.n < 2000 ? 0 : -1;
}

#endif
