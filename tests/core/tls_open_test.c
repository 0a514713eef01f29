/* core/tls once the connection is open: a BearSSL server in a child, which can
 * be made to send what no honest one sends. */

#include <bearssl.h>
#include <errno.h>

#include "core/entropy.h"
#include "tls_peer.h"

/* the server's end of a connection */
struct far {
	int fd;
	br_ssl_server_context server;
	br_sslio_context io;
	unsigned char buffer[BR_SSL_BUFSIZE_BIDI];
};

static unsigned char private_key[BR_EC_KBUF_PRIV_MAX_SIZE];
static br_ec_private_key far_key = { .x = private_key };
static struct bytes leaf;

/* A P-256 key, and a certificate for it that nobody signed. */
static int
make_leaf(void **state)
{
	unsigned char public_key[BR_EC_KBUF_PUB_MAX_SIZE], seed[32];
	const struct bytes p256 =
		raw("\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 19);
	br_hmac_drbg_context random;
	size_t n;

	(void)state;
	if (entropy_fill(seed, sizeof seed) != 0)
		return -1;
	br_hmac_drbg_init(&random, &br_sha256_vtable, seed, sizeof seed);
	(void)br_ec_keygen(&random.vtable, br_ec_get_default(), &far_key, private_key, BR_EC_secp256r1);
	n = br_ec_compute_pub(br_ec_get_default(), NULL, public_key, &far_key);
	leaf = plus(number(0, 1), raw(public_key, n));
	leaf = certificate(der(0x30, plus(der(0x30, p256), der(0x03, leaf))));
	return 0;
}

static int
read_below(void *context, unsigned char *to, size_t n)
{
	ssize_t got = recv(((struct far *)context)->fd, to, n, 0);

	return got > 0 ? (int)got : -1;
}

static int
write_below(void *context, const unsigned char *from, size_t n)
{
	ssize_t put = send(((struct far *)context)->fd, from, n, MSG_NOSIGNAL);

	return put > 0 ? (int)put : -1;
}

static void
say_data(struct far *f, const char *text)
{
	(void)br_sslio_write_all(&f->io, text, strlen(text));
	(void)br_sslio_flush(&f->io);
}

static void
open_far(struct far *f, int fd)
{
	static br_x509_certificate chain;
	unsigned char seed[32];

	chain = (br_x509_certificate){ .data = leaf.at, .data_len = leaf.n };
	f->fd = fd;
	br_ssl_server_init_full_ec(&f->server, &chain, 1, BR_KEYTYPE_EC, &far_key);
	br_ssl_engine_set_buffer(&f->server.eng, f->buffer, sizeof f->buffer, 1);
	if (entropy_fill(seed, sizeof seed) != 0)
		_exit(1);
	br_ssl_engine_inject_entropy(&f->server.eng, seed, sizeof seed);
	(void)br_ssl_server_reset(&f->server);
	br_sslio_init(&f->io, &f->server.eng, read_below, f, write_below, f);
	(void)br_sslio_flush(&f->io);
	say_data(f, "open ");
}

/* Sends an encrypted record of any type. */
static void
say_encrypted(struct far *f, int type, const char *bytes, size_t n)
{
	f->server.eng.record_type_out = (unsigned char)type;
	(void)br_sslio_write_all(&f->io, bytes, n);
	(void)br_sslio_flush(&f->io);
	f->server.eng.record_type_out = 23;
}

static void
far_closes_well(struct far *f)
{
	say_data(f, "data");
	(void)br_sslio_close(&f->io);
}

static void
far_just_closes(struct far *f)
{
	say_data(f, "data");
}

static void
far_resets(struct far *f)
{
	reset(f->fd);
}

static void
far_alerts(struct far *f)
{
	say_encrypted(f, ALERT, "\x02\x50", 2);
	stay(f->fd);
}

static void
far_alerts_and_resets(struct far *f)
{
	say_encrypted(f, ALERT, "\x02\x50", 2);
	reset(f->fd);
}

static void
far_corrupts(struct far *f)
{
	say(f->fd, record(23, 0x0303, fill(0x55, 60)));
	stay(f->fd);
}

static void
far_floods_empty_records(struct far *f)
{
	for (;;) {
		br_ssl_engine_flush(&f->server.eng, 1);
		if (br_sslio_flush(&f->io) != 0)
			_exit(0);
	}
}

static void
far_floods_warnings(struct far *f)
{
	do
		say_encrypted(f, ALERT, "\x01\x5a", 2);
	while (br_ssl_engine_last_error(&f->server.eng) == 0);
}

static void
far_wants_to_renegotiate(struct far *f)
{
	say_encrypted(f, HANDSHAKE, "\0\0\0\0", 4);
	say_data(f, "data");
	stay(f->fd);
}

static void
far_floods_hello_requests(struct far *f)
{
	do
		say_encrypted(f, HANDSHAKE, "\0\0\0\0", 4);
	while (br_ssl_engine_last_error(&f->server.eng) == 0);
}

/* what a client sees behind "open " */
struct ending {
	const char *name;
	void (*script)(struct far *f);
	const char *data; /* that comes before the end, or all that is waited for */
	bool waits;       /* no end is waited for */
	bool close_notify;
	enum tls_fault fault;
	int alert;
};

static const struct ending cases[] = {
	{ "close_notify", far_closes_well, "data", false, true, TLS_OK, 0 },
	{ "end without close_notify", far_just_closes, "data", false, false, TLS_OK, -1 },
	{ "reset", far_resets, "", false, false, TLS_RESET, -1 },
	{ "fatal alert", far_alerts, "", false, false, TLS_ALERT, 80 },
	{ "fatal alert, then reset", far_alerts_and_resets, "", false, false, TLS_ALERT, 80 },
	{ "record that can't be decrypted", far_corrupts, "", false, false, TLS_BAD_MESSAGE, -1 },
	{ "flood of empty records", far_floods_empty_records, "", false, false, TLS_FLOOD, -1 },
	{ "flood of warnings", far_floods_warnings, "", false, false, TLS_FLOOD, -1 },
	{ "renegotiation wanted", far_wants_to_renegotiate, "data", true, false, TLS_OK, -1 },
	{ "flood of HelloRequests", far_floods_hello_requests, "", false, false, TLS_FLOOD, -1 },
};

static void
serve_far(int fd, void *argument)
{
	static struct far f;
	const struct ending *k = argument;

	open_far(&f, fd);
	k->script(&f);
}

static pid_t
open_to(struct client *c, const struct ending *k)
{
	unsigned short port;
	pid_t peer = serve(serve_far, (void *)(size_t)k, &port);
	unsigned char hello[5];

	dial(c, port, &modern);
	assert_int_equal(drive(c, TLS_CHAIN), TLS_REACHED);
	assert_int_equal(drive(c, TLS_OPEN), TLS_REACHED);
	assert_int_equal(read_all(c, hello, sizeof hello), sizeof hello);
	assert_memory_equal(hello, "open ", sizeof hello);
	return peer;
}

static void
test_ending(void **state)
{
	const struct ending *k = *state;
	const size_t expected = strlen(k->data);
	unsigned char data[16];
	const struct tls_info *info;
	struct client c;
	pid_t peer = open_to(&c, k);

	assert_int_equal(read_all(&c, data, expected), expected);
	assert_memory_equal(data, k->data, expected);
	if (!k->waits)
		assert_int_equal(read_all(&c, data, 1), k->fault == TLS_OK ? 0 : STREAM_FAILED);
	info = tls_info(c.tls);
	assert_string_equal(tls_fault_code(info->fault), tls_fault_code(k->fault));
	assert_int_equal(info->close_notify, k->close_notify);
	assert_int_equal(info->alert, k->alert);
	assert_true(info->received < TLS_RECEIVED_MAX + 16384);
	if (k->waits)
		write_all(&c, "still open", 10);
	assert_int_equal(drive(&c, TLS_SHUT), TLS_REACHED);
	hang_up(&c);
	(void)waitpid(peer, NULL, 0);
}

/* A write that fails doesn't hide what the peer said before it broke off. */
static void
test_last_words(void **state)
{
	static const struct ending k = { .script = far_alerts_and_resets };
	struct client c;
	pid_t peer = open_to(&c, &k);
	struct stream *s = tls_stream(c.tls);
	unsigned char byte;

	(void)state;
	(void)waitpid(peer, NULL, 0);
	wait_for(c.socket.fd, POLLERR | POLLHUP);
	(void)s->write(s, "x", 1);
	assert_int_equal(s->write(s, "x", 1), STREAM_FAILED);
	assert_true(errno == EPIPE || errno == ECONNRESET);
	assert_int_equal(tls_info(c.tls)->fault, TLS_OK);
	assert_int_equal(s->read(s, &byte, 1), STREAM_FAILED);
	assert_int_equal(tls_info(c.tls)->fault, TLS_ALERT);
	assert_int_equal(tls_info(c.tls)->alert, 80);
	hang_up(&c);
}

/* Behind the peer's close_notify nothing can be written. */
static void
test_write_behind_the_end(void **state)
{
	static const struct ending k = { .script = far_closes_well };
	struct client c;
	pid_t peer = open_to(&c, &k);
	struct stream *s = tls_stream(c.tls);
	unsigned char data[8];

	(void)state;
	assert_int_equal(read_all(&c, data, sizeof data), 4);
	assert_int_equal(s->write(s, "x", 1), STREAM_FAILED);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(tls_info(c.tls)->fault, TLS_OK);
	hang_up(&c);
	(void)waitpid(peer, NULL, 0);
}

int
main(void)
{
	enum { CASES = sizeof cases / sizeof *cases };
	struct CMUnitTest endings[CASES];
	const struct CMUnitTest others[] = {
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_write_behind_the_end),
	};
	int failed;

	for (size_t i = 0; i < CASES; i++)
		endings[i] = (struct CMUnitTest){ cases[i].name, test_ending, NULL, NULL, (void *)(size_t)&cases[i] };
	failed = cmocka_run_group_tests_name("endings", endings, make_leaf, NULL);
	return failed + cmocka_run_group_tests_name("ends of writing", others, NULL, NULL);
}
