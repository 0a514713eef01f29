/* core/tls_hello: what the watcher makes of a server's first bytes, however they are cut. */

#include "core/tls_hello.h"
#include "tls_peer.h"

struct words {
	const char *name;
	struct bytes (*said)(void);
	unsigned version, suite;
	const char *alpn; /* "" for none */
	int warning;
	bool complete;
};

static struct bytes
hello(void)
{
	return record(HANDSHAKE, 0x0303, server_hello(0x0303, 0xc02f, plus(extension(0xff01, fill(0, 1)), alpn("h2"))));
}

static struct bytes
hello_without_extensions(void)
{
	return record(HANDSHAKE, 0x0301, server_hello(0x0301, 0x002f, fill(0, 0)));
}

static struct bytes
hello_of_13(void)
{
	return record(HANDSHAKE, 0x0303, server_hello(0x0303, 0x1301, extension(43, number(0x0304, 2))));
}

static struct bytes
warning_first(void)
{
	return plus(alert(1, 112), hello());
}

static struct bytes
requests_first(void)
{
	return plus(record(HANDSHAKE, 0x0303, plus(message(0, fill(0, 0)), message(0, fill(0, 0)))), hello());
}

static struct bytes
empty_records_first(void)
{
	return plus(record(HANDSHAKE, 0x0303, fill(0, 0)), hello());
}

static struct bytes
hello_in_two_records(void)
{
	const struct bytes whole = server_hello(0x0303, 0xc02f, alpn("http/1.1"));

	return plus(record(HANDSHAKE, 0x0303, raw(whole.at, 6)),
		    record(HANDSHAKE, 0x0303, raw(whole.at + 6, whole.n - 6)));
}

static struct bytes
hello_too_long(void)
{
	return record(HANDSHAKE, 0x0303,
		      server_hello(0x0303, 0xc02f, plus(alpn("h2"), extension(0x7777, fill(0, 1000)))));
}

static struct bytes
half_a_hello(void)
{
	const struct bytes whole = hello();

	return raw(whole.at, 5 + 4 + 2);
}

static struct bytes
lengths_that_lie(void)
{
	/* an extension, and a name in one, that are longer than what holds them */
	struct bytes b = server_hello(0x0303, 0xc02f,
				      plus(extension(16, raw("\x00\x09\xff"
							     "h2",
							     5)),
					   raw("\x00\x10\xff\xff", 4)));

	return record(HANDSHAKE, 0x0303, b);
}

static struct bytes
hello_of_nothing(void)
{
	return plus(record(HANDSHAKE, 0x0303, message(2, fill(0, 0))), hello());
}

static struct bytes
certificate_first(void)
{
	return plus(record(HANDSHAKE, 0x0303, message(11, fill(0, 40))), hello());
}

static struct bytes
change_first(void)
{
	return plus(record(CIPHER_CHANGE, 0x0303, number(1, 1)), hello());
}

static struct bytes
fatal_alert(void)
{
	return alert(2, 40);
}

static const struct words cases[] = {
	{ "hello", hello, 0x0303, 0xc02f, "h2", -1, true },
	{ "hello without extensions", hello_without_extensions, 0x0301, 0x002f, "", -1, true },
	{ "hello of TLS 1.3", hello_of_13, 0x0304, 0x1301, "", -1, true },
	{ "warning first", warning_first, 0x0303, 0xc02f, "h2", 112, true },
	{ "HelloRequests first", requests_first, 0x0303, 0xc02f, "h2", -1, true },
	{ "empty record first", empty_records_first, 0x0303, 0xc02f, "h2", -1, true },
	{ "hello in two records", hello_in_two_records, 0x0303, 0xc02f, "http/1.1", -1, true },
	{ "hello over the bound", hello_too_long, 0x0303, 0xc02f, "h2", -1, true },
	{ "half a hello", half_a_hello, 0x0303, 0, "", -1, false },
	{ "lengths that lie", lengths_that_lie, 0x0303, 0xc02f, "", -1, true },
	{ "hello of nothing", hello_of_nothing, 0, 0, "", -1, false },
	{ "certificate first", certificate_first, 0, 0, "", -1, false },
	{ "ChangeCipherSpec first", change_first, 0, 0, "", -1, false },
	{ "fatal alert", fatal_alert, 0, 0, "", -1, false },
};

static void
test_words(void **state)
{
	const struct words *k = *state;
	const struct bytes b = k->said();
	static const size_t cuts[] = { 1, 2, 3, 5, 64, sizeof b.at };
	struct tls_hello h;

	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		tls_hello_init(&h);
		for (size_t at = 0; at < b.n; at += cuts[i])
			tls_hello_feed(&h, b.at + at, b.n - at < cuts[i] ? b.n - at : cuts[i]);
		assert_int_equal(h.version, k->version);
		assert_int_equal(h.suite, k->suite);
		assert_string_equal(h.alpn, k->alpn);
		assert_int_equal(h.warning, k->warning);
		assert_int_equal(h.complete, k->complete);
	}
}

/* Any byte may be any other, and any cut may come: nothing is read or written out of bounds (ASan sees it). */
static void
test_changed_bytes(void **state)
{
	unsigned seed = 20261125;
	struct tls_hello h;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct bytes b = cases[(unsigned)round % (sizeof cases / sizeof *cases)].said();

		for (int changes = 1 + round % 4; changes > 0; changes--) {
			seed = seed * 1103515245U + 12345U;
			b.at[(seed >> 16) % (b.n < 128 ? b.n : 128)] = (unsigned char)(seed >> 8);
		}
		tls_hello_init(&h);
		tls_hello_feed(&h, b.at, b.n / 2);
		tls_hello_feed(&h, b.at + b.n / 2, b.n - b.n / 2);
		assert_true(h.message_length <= sizeof h.message);
		assert_true(h.alpn_length < sizeof h.alpn);
	}
}

int
main(void)
{
	enum { CASES = sizeof cases / sizeof *cases };
	struct CMUnitTest words[CASES];
	const struct CMUnitTest changed[] = { cmocka_unit_test(test_changed_bytes) };

	for (size_t i = 0; i < CASES; i++)
		words[i] = (struct CMUnitTest){ cases[i].name, test_words, NULL, NULL, (void *)(size_t)&cases[i] };
	return cmocka_run_group_tests_name("first words", words, NULL, NULL) +
	       cmocka_run_group_tests_name("changed bytes", changed, NULL, NULL);
}
