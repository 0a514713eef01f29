/*
 * HTTP/2 with peers that misbehave. A case writes what the peer says into a wire, in answer to a GET on stream 1; each
 * is fed whole, in pieces and byte by byte, and must end the same way.
 */
#include <malloc.h>

#include "h2_peer.h"

enum { DATA = NGHTTP2_DATA, HEADERS = NGHTTP2_HEADERS, END = NGHTTP2_FLAG_END_STREAM, MEMORY = 4 << 20 };

static const unsigned char zeros[20000];

/* One past each bound: `count` of something is allowed, one more is not. */
struct bound {
	const char *word;
	void (*play)(struct wire *, unsigned n);
	unsigned count;
	enum h2_fault fault; /* of the connection, or H2_OK and */
	const char *code;    /* of the stream */
};

static void
many_settings(struct wire *w, unsigned n)
{
	while (n-- > 0)
		put_settings(w);
}

static void
repeat(struct wire *w, unsigned n, unsigned type, unsigned flags, uint32_t stream, size_t length)
{
	put_settings(w);
	while (n-- > 0)
		put_frame(w, type, flags, stream, zeros, length);
}

static void
pings(struct wire *w, unsigned n)
{
	repeat(w, n, NGHTTP2_PING, 0, 0, 8);
}

static void
false_ping_acks(struct wire *w, unsigned n)
{
	repeat(w, n, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, 8);
}

static void
window_updates(struct wire *w, unsigned n)
{
	put_settings(w);
	while (n-- > 0)
		put_frame(w, NGHTTP2_WINDOW_UPDATE, 0, n % 2, "\0\0\0\1", 4);
}

static void
priorities(struct wire *w, unsigned n)
{
	repeat(w, n, NGHTTP2_PRIORITY, 0, 1, 5);
}

static void
unknown_types(struct wire *w, unsigned n)
{
	put_settings(w);
	while (n-- > 0)
		put_frame(w, 0x20 + n % 0x40, 0xff, n % 3, zeros, n % 100);
}

static void
large_unknown_types(struct wire *w, unsigned n)
{
	repeat(w, n, 0xee, 0, 0, 16384);
}

static void
altsvcs(struct wire *w, unsigned n)
{
	repeat(w, n, NGHTTP2_ALTSVC, 0, 1, 20);
}

static void
origins(struct wire *w, unsigned n)
{
	repeat(w, n, NGHTTP2_ORIGIN, 0, 0, 20);
}

/* As long as ENABLE_PUSH=0 isn't acknowledged a promise is no error. */
static void
promises(struct wire *w, unsigned n)
{
	put_settings(w);
	for (unsigned id = 2; n-- > 0; id += 2) {
		unsigned char payload[5] = { 0, 0, (unsigned char)(id >> 8), (unsigned char)id, 0x82 };

		put_frame(w, NGHTTP2_PUSH_PROMISE, NGHTTP2_FLAG_END_HEADERS, 1, payload, sizeof payload);
	}
}

static void
goaways(struct wire *w, unsigned n)
{
	put_settings(w);
	while (n-- > 0)
		put_goaway(w, 1, 0, "");
}

static void
replied(struct wire *w)
{
	put_settings(w);
	put_reply(w, 1, 0);
}

static void
empty_data(struct wire *w, unsigned n)
{
	replied(w);
	while (n-- > 0)
		put_frame(w, DATA, 0, 1, NULL, 0);
}

static void
padding_only(struct wire *w, unsigned n)
{
	replied(w);
	while (n-- > 0)
		put_frame(w, DATA, NGHTTP2_FLAG_PADDED, 1, "\3\0\0\0", 4);
}

static void
resets(struct wire *w, unsigned n)
{
	replied(w);
	put_frame(w, NGHTTP2_RST_STREAM, 0, 1, "\0\0\0\2", 4);
	while (n-- > 0)
		put_frame(w, NGHTTP2_RST_STREAM, 0, 1, "\0\0\0\2", 4);
}

static void
data_after_reset(struct wire *w, unsigned n)
{
	replied(w);
	put_frame(w, NGHTTP2_RST_STREAM, 0, 1, "\0\0\0\2", 4);
	while (n-- > 0)
		put_frame(w, DATA, 0, 1, "a", 1);
}

static void
interim(struct wire *w, unsigned n)
{
	put_settings(w);
	while (n-- > 0)
		put_frame(w, HEADERS, NGHTTP2_FLAG_END_HEADERS, 1,
			  "\x08\3"
			  "103",
			  5);
	put_reply(w, 1, END);
}

static void
continuations(struct wire *w, unsigned n)
{
	put_settings(w);
	put_frame(w, HEADERS, END, 1, "\x88", 1);
	while (n-- > 0)
		put_frame(w, NGHTTP2_CONTINUATION, n == 0 ? NGHTTP2_FLAG_END_HEADERS : 0, 1, "\0\1a\1b", 5);
}

static void
block(struct wire *w, struct wire *fields, unsigned flags)
{
	size_t first = fields->length < 16384 ? fields->length : 16384;

	put_frame(w, HEADERS, flags | (first == fields->length ? NGHTTP2_FLAG_END_HEADERS : 0), 1, fields->bytes,
		  first);
	for (size_t at = first; at < fields->length; at += 16384) {
		size_t n = fields->length - at < 16384 ? fields->length - at : 16384;

		put_frame(w, NGHTTP2_CONTINUATION, at + n == fields->length ? NGHTTP2_FLAG_END_HEADERS : 0, 1,
			  fields->bytes + at, n);
	}
	empty(fields);
}

static void
many_fields(struct wire *w, unsigned n)
{
	struct wire list = { 0 };

	put_settings(w);
	put(&list, "\x88", 1);
	while (n-- > 1)
		put_literal(&list, "a", "b");
	block(w, &list, END);
}

static void
trailers(struct wire *w, unsigned n)
{
	struct wire list = { 0 };

	replied(w);
	while (n-- > 0)
		put_literal(&list, "a", "b");
	block(w, &list, END);
}

/* A list of n bytes by RFC 9113's count: ":status: 200" is 42 of them, the other field's length is a prefix of 7 bits
 * and 3 more bytes. */
static void
field_bytes(struct wire *w, unsigned n)
{
	struct wire list = { 0 };
	unsigned value = n - 42 - 32 - 1, rest = value - 127;
	unsigned char length[4] = { 127, (unsigned char)(0x80 | (rest & 127)),
				    (unsigned char)(0x80 | ((rest >> 7) & 127)), (unsigned char)(rest >> 14) };

	put_settings(w);
	put(&list, "\x88\0\1a", 4);
	put(&list, length, 4);
	while (value-- > 0)
		put(&list, "v", 1);
	block(w, &list, END);
}

/* Data for a stream beyond its window of 65,535 bytes that nobody reads. */
static void
window(struct wire *w, unsigned n)
{
	replied(w);
	while (n > 0) {
		unsigned length = n < 16384 ? n : 16384;

		n -= length;
		put_frame(w, DATA, n == 0 ? END : 0, 1, zeros, length);
	}
}

/* clang-format off */
/* The peer's SETTINGS, a reply and the like were paid before where they cost something. */
static const struct bound bounds[] = {
	{ "SETTINGS", many_settings, 1000, H2_FLOOD, NULL },
	{ "PING", pings, 999, H2_FLOOD, NULL },
	{ "PING ACKs that answer nothing", false_ping_acks, 999, H2_FLOOD, NULL },
	{ "WINDOW_UPDATE", window_updates, 999, H2_FLOOD, NULL },
	{ "PRIORITY", priorities, 999, H2_FLOOD, NULL },
	{ "unknown types", unknown_types, 999, H2_FLOOD, NULL },
	{ "unknown types of 16 KiB", large_unknown_types, 58, H2_FLOOD, NULL },
	{ "ALTSVC", altsvcs, 999, H2_FLOOD, NULL },
	{ "ORIGIN", origins, 999, H2_FLOOD, NULL },
	{ "PUSH_PROMISE", promises, 999, H2_FLOOD, NULL },
	{ "GOAWAY", goaways, 999, H2_FLOOD, NULL },
	{ "empty DATA", empty_data, 1000, H2_FLOOD, NULL },
	{ "padding", padding_only, 1000, H2_FLOOD, NULL },
	{ "RST_STREAM", resets, 1000, H2_FLOOD, "h2.reset" },
	{ "DATA on a closed stream", data_after_reset, 1000, H2_FLOOD, "h2.reset" },
	{ "interim replies", interim, H2_INTERIM_REPLIES, H2_FLOOD, NULL },
	{ "CONTINUATION", continuations, H2_CONTINUATIONS, H2_FLOOD, NULL },
	{ "fields", many_fields, H2_FIELDS, H2_OK, "http.too_large" },
	{ "bytes of fields", field_bytes, H2_FIELD_BYTES, H2_OK, "http.too_large" },
	{ "trailers", trailers, H2_FIELDS, H2_OK, "http.too_large" },
	{ "window", window, H2_STREAM_WINDOW, H2_OK, "http.bad_reply" },
};
/* clang-format on */

static void
one_past_each_bound(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
		const struct bound *b = &bounds[i];
		struct wire wire = { 0 };

		b->play(&wire, b->count);
		expect(b->word, b->count, &wire, H2_OK, b->fault ? b->code : NULL);
		wire.length = 0;
		b->play(&wire, b->count + 1);
		expect(b->word, b->count + 1, &wire, b->fault, b->code);
		empty(&wire);
	}
}

/* A flood is answered by GOAWAY(ENHANCE_YOUR_CALM), and nothing after it is heard. */
static void
flood_is_answered(void **state)
{
	struct wire wire = { 0 };
	struct h2 *h2 = h2_new(NULL, 0);
	const unsigned char *out;
	unsigned last = 0;

	(void)state;
	drain(h2);
	pings(&wire, 5000);
	assert_int_equal(h2_feed(h2, wire.bytes, wire.length), H2_FLOOD);
	for (size_t n; (n = h2_take(h2, &out)) > 0;)
		last = out[n - 1];
	assert_int_equal(last, NGHTTP2_ENHANCE_YOUR_CALM);
	assert_int_equal(h2_feed(h2, wire.bytes, 9), H2_FLOOD);
	assert_int_equal(get(h2), H2_FLOOD);
	assert_string_equal(h2_detail(h2), "more than 1000 frames that carry nothing");
	empty(&wire);
	h2_free(h2);
}

/* Bytes in use; 0 under AddressSanitizer, which keeps its own books. */
static size_t
memory(void)
{
	return mallinfo2().uordblks;
}

/* One field of 4,000 bytes is put into the table and then named 140,000 times by one byte each: 560 MB if someone
 * copied them. */
static void
header_bomb(void **state)
{
	struct wire wire = { 0 }, list = { 0 };
	size_t before, most = 0;
	struct h2 *h2;

	(void)state;
	put(&list, "\x88\x40\1a\x7f\xa1\x1e", 7); /* a value of 127 + 0x21 + (0x1e << 7) = 4,000 bytes */
	for (int i = 0; i < 4000; i++)
		put(&list, "v", 1);
	for (int i = 0; i < 140000; i++)
		put(&list, "\xbe", 1);
	put_settings(&wire);
	block(&wire, &list, END);
	before = memory();
	h2 = h2_new(NULL, 0);
	get(h2);
	drain(h2);
	for (size_t i = 0; i < wire.length; i += 500) {
		h2_feed(h2, wire.bytes + i, wire.length - i < 500 ? wire.length - i : 500);
		most = memory() - before > most ? memory() - before : most;
	}
	assert_string_equal(h2_detail(h2), "");
	assert_int_equal(h2_fault(h2), 0);
	assert_string_equal(h2_stream_code(h2_stream(h2, 1)), "http.too_large");
	assert_true(most < MEMORY);
	print_message("header bomb of %zu bytes: %zu bytes of memory\n", wire.length, most);
	h2_free(h2);
	empty(&wire);
}

/* The peer has a body without end; the reader takes 1 MiB of it and cancels. Unread it stops at the window. */
static void
endless_body(void **state)
{
	struct h2 *h2 = h2_new(NULL, 0);
	struct server server;
	size_t before = memory(), most = 0, got = 0;
	unsigned char bytes[4096];
	int32_t id = get(h2);

	(void)state;
	server_open(&server, SIZE_MAX);
	while (got < 1 << 20) {
		ssize_t n;

		talk(h2, &server);
		most = memory() - before > most ? memory() - before : most;
		while ((n = h2_read(h2, id, bytes, sizeof bytes)) > 0)
			got += (size_t)n;
	}
	h2_cancel(h2, id);
	talk(h2, &server);
	assert_int_equal(server.resets, 1);
	assert_true(server.sent[id] < (1 << 20) + 2 * 65536);
	assert_true(most < MEMORY);
	print_message("endless body: %zu bytes of memory, the server's included\n", most);
	h2_free(h2);
	server_close(&server);
}

/* Whatever the bytes: no crash, no leak, no undefined behaviour, and the same end however they are cut. Each is a good
 * exchange with some bytes changed. */
static void
random_bytes(void **state)
{
	unsigned seed = 20261123;

	(void)state;
	for (int round = 0; round < 1500; round++) {
		struct wire wire = { 0 };
		struct h2 *one, *two;

		interim(&wire, 2);
		trailers(&wire, 3);
		goaways(&wire, 1);
		pings(&wire, 2);
		for (int i = 0; i < 1 + round % 4; i++) {
			seed = seed * 1103515245u + 12345u;
			wire.bytes[(seed >> 8) % wire.length] = (unsigned char)(seed >> 24);
		}
		one = play(&wire, SIZE_MAX / 2);
		two = play(&wire, 1);
		if (h2_fault(one) != h2_fault(two))
			fail_msg("round %d: %s (%s) at once, %s (%s) byte by byte", round, h2_fault_code(h2_fault(one)),
				 h2_detail(one), h2_fault_code(h2_fault(two)), h2_detail(two));
		h2_free(one);
		h2_free(two);
		empty(&wire);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_past_each_bound), cmocka_unit_test(flood_is_answered),

		cmocka_unit_test(header_bomb),         cmocka_unit_test(endless_body),
		cmocka_unit_test(random_bytes),
	};

	return cmocka_run_group_tests_name("h2 hostile", tests, NULL, NULL);
}
