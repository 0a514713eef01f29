/*
 * HTTP/2 with peers that break the protocol, answer something else, or say GOAWAY; in answer to a GET on stream 1.
 */
#include <stdio.h>

#include "h2_peer.h"

enum { DATA = NGHTTP2_DATA, END = NGHTTP2_FLAG_END_STREAM };

/* Frames that break the protocol; `bytes` follow an empty SETTINGS. */
#define RAW(b) b, sizeof b - 1
/* clang-format off */
static const struct { const char *word; const char *bytes; size_t length; int fault; const char *code; } broken[] = {
	{ "PING of 7 bytes", RAW("\0\0\7\6\0\0\0\0\0" "1234567"), H2_PROTOCOL_ERROR, NULL },
	{ "PING on a stream", RAW("\0\0\x8\6\0\0\0\0\1" "12345678"), H2_PROTOCOL_ERROR, NULL },
	{ "SETTINGS of 5 bytes", RAW("\0\0\5\4\0\0\0\0\0" "12345"), H2_PROTOCOL_ERROR, NULL },
	{ "SETTINGS ACK too many", RAW("\0\0\0\4\1\0\0\0\0\0\0\0\4\1\0\0\0\0"), H2_PROTOCOL_ERROR, NULL },
	{ "ENABLE_PUSH 2", RAW("\0\0\6\4\0\0\0\0\0\0\2\0\0\0\2"), H2_PROTOCOL_ERROR, NULL },
	{ "window of 2^31", RAW("\0\0\6\4\0\0\0\0\0\0\4\x80\0\0\0"), H2_PROTOCOL_ERROR, NULL },
	{ "GOAWAY of 7 bytes", RAW("\0\0\7\7\0\0\0\0\0" "1234567"), H2_PROTOCOL_ERROR, NULL },
	{ "GOAWAY on a stream", RAW("\0\0\x8\7\0\0\0\0\1\0\0\0\1\0\0\0\0"), H2_PROTOCOL_ERROR, NULL },
	{ "frame of 16385 bytes", RAW("\0\x40\1\0\0\0\0\0\1"), H2_PROTOCOL_ERROR, NULL },
	{ "DATA on stream 0", RAW("\0\0\1\0\0\0\0\0\0a"), H2_PROTOCOL_ERROR, NULL },
	{ "DATA on an idle stream", RAW("\0\0\1\0\0\0\0\0\x9" "a"), H2_PROTOCOL_ERROR, NULL },
	{ "DATA before HEADERS", RAW("\0\0\1\0\0\0\0\0\1a"), H2_PROTOCOL_ERROR, NULL },
	{ "DATA with too much padding", RAW("\0\0\1\1\4\0\0\0\1\x88\0\0\2\0\x8\0\0\0\1\7a"), H2_PROTOCOL_ERROR, NULL },
	{ "HEADERS on an idle stream", RAW("\0\0\1\1\4\0\0\0\x9\x88"), H2_PROTOCOL_ERROR, NULL },
	{ "HEADERS on an even stream", RAW("\0\0\1\1\4\0\0\0\2\x88"), H2_PROTOCOL_ERROR, NULL },
	{ "lone CONTINUATION", RAW("\0\0\1\x9\4\0\0\0\1\x88"), H2_PROTOCOL_ERROR, NULL },
	{ "HEADERS broken by PING", RAW("\0\0\1\1\0\0\0\0\1\x88\0\0\x8\6\0\0\0\0\0" "12345678"), H2_PROTOCOL_ERROR, NULL },
	{ "HPACK index 200", RAW("\0\0\2\1\4\0\0\0\1\xff\x49"), H2_PROTOCOL_ERROR, NULL },
	{ "HPACK integer without end", RAW("\0\0\7\1\4\0\0\0\1\xff\xff\xff\xff\xff\xff\xff"), H2_PROTOCOL_ERROR, NULL },
	{ "HPACK cut off", RAW("\0\0\3\1\4\0\0\0\1\0\x7e" "a"), H2_PROTOCOL_ERROR, NULL },
	{ "HPACK table of 1 MiB", RAW("\0\0\4\1\4\0\0\0\1\x3f\xe1\xff\x3f"), H2_PROTOCOL_ERROR, NULL },
	{ "PUSH_PROMISE after ENABLE_PUSH=0 was acknowledged", RAW("\0\0\0\4\1\0\0\0\0\0\0\5\5\4\0\0\0\1\0\0\0\2\x82"), H2_PROTOCOL_ERROR, NULL },
	{ "PRIORITY on stream 0", RAW("\0\0\5\2\0\0\0\0\0" "12345"), H2_PROTOCOL_ERROR, NULL },
	{ "RST_STREAM on an idle stream", RAW("\0\0\4\3\0\0\0\0\x9\0\0\0\0"), H2_PROTOCOL_ERROR, NULL },
	{ "WINDOW_UPDATE of 0", RAW("\0\0\4\x8\0\0\0\0\0\0\0\0\0"), H2_PROTOCOL_ERROR, NULL },
	{ "window over 2^31", RAW("\0\0\4\x8\0\0\0\0\0\x7f\xff\xff\xff"), H2_PROTOCOL_ERROR, NULL },
	{ "RST_STREAM", RAW("\0\0\4\3\0\0\0\0\1\0\0\0\7"), H2_OK, "h2.reset" },
	{ "no :status", RAW("\0\0\5\1\5\0\0\0\1\0\1a\1b"), H2_OK, "http.bad_reply" },
	{ ":status twice", RAW("\0\0\2\1\5\0\0\0\1\x88\x88"), H2_OK, "http.bad_reply" },
	{ ":status of two digits", RAW("\0\0\4\1\5\0\0\0\1\x8\2" "20"), H2_OK, "http.bad_reply" },
	{ ":status of letters", RAW("\0\0\5\1\5\0\0\0\1\x8\3" "2xx"), H2_OK, "http.bad_reply" },
	{ "101", RAW("\0\0\5\1\4\0\0\0\1\x8\3" "101"), H2_OK, "http.bad_reply" },
	{ "1xx with END_STREAM", RAW("\0\0\5\1\5\0\0\0\1\x8\3" "100"), H2_OK, "http.bad_reply" },
	{ "connection: close", RAW("\0\0\x14\1\5\0\0\0\1\x88\0\xa" "connection\5close"), H2_OK, "http.bad_reply" },
	{ "Content-Length 5, body 0", RAW("\0\0\5\1\5\0\0\0\1\x88\xf\xd\1" "5"), H2_OK, "http.bad_reply" },
	{ "Content-Length 1, body 2", RAW("\0\0\5\1\4\0\0\0\1\x88\xf\xd\1" "1\0\0\2\0\1\0\0\0\1ab"), H2_OK, "http.bad_reply" },
	{ "trailers without END_STREAM", RAW("\0\0\1\1\4\0\0\0\1\x88\0\0\5\1\4\0\0\0\1\0\1a\1b"), H2_OK, "http.bad_reply" },
	{ "DATA after END_STREAM", RAW("\0\0\1\1\5\0\0\0\1\x88\0\0\1\0\1\0\0\0\1a"), H2_OK, NULL },
	{ "reset with NO_ERROR after the end", RAW("\0\0\1\1\5\0\0\0\1\x88\0\0\4\3\0\0\0\0\1\0\0\0\0"), H2_OK, NULL },
};
/* clang-format on */

static void
broken_protocol(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct wire wire = { 0 };

		put_settings(&wire);
		put(&wire, broken[i].bytes, broken[i].length);
		expect(broken[i].word, 1, &wire, broken[i].fault, broken[i].code);
		empty(&wire);
	}
}

/* clang-format off */
/* What a peer may say first, and what a close right after it means. */
static const struct { const char *word; const char *bytes; size_t length; int fault, closed; } first[] = {
	{ "HTTP/1.1", RAW("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), H2_NOT_H2, H2_NOT_H2 },
	{ "SSH", RAW("SSH-2.0-OpenSSH_9.2p1\r\n"), H2_NOT_H2, H2_NOT_H2 },
	{ "a few letters", RAW("hello"), H2_OK, H2_NOT_H2 },
	{ "TLS alert", RAW("\x15\3\3\0\2\2\x28\0\0"), H2_NOT_H2, H2_NOT_H2 },
	{ "unknown type", RAW("\0\0\1\x77\0\0\0\0\0a"), H2_NOT_H2, H2_NOT_H2 },
	{ "SETTINGS too large", RAW("\1\0\0\4\0\0\0\0\0"), H2_NOT_H2, H2_NOT_H2 },
	{ "nothing", RAW(""), H2_OK, H2_RESET },
	{ "part of SETTINGS", RAW("\0\0\6\4\0\0\0\0\0\0\3"), H2_OK, H2_RESET },
	{ "SETTINGS", RAW("\0\0\0\4\0\0\0\0\0"), H2_OK, H2_RESET },
	{ "SETTINGS ACK", RAW("\0\0\0\4\1\0\0\0\0"), H2_PROTOCOL_ERROR, H2_PROTOCOL_ERROR },
	{ "SETTINGS on a stream", RAW("\0\0\0\4\0\0\0\0\1"), H2_PROTOCOL_ERROR, H2_PROTOCOL_ERROR },
	{ "PING", RAW("\0\0\x8\6\0\0\0\0\0" "12345678"), H2_PROTOCOL_ERROR, H2_PROTOCOL_ERROR },
	{ "HEADERS", RAW("\0\0\1\1\5\0\0\0\1\x88"), H2_PROTOCOL_ERROR, H2_PROTOCOL_ERROR },
	{ "GOAWAY", RAW("\0\0\xc\7\0\0\0\0\0\0\0\0\0\0\0\0\xb" "calm"), H2_GOAWAY, H2_GOAWAY },
	{ "GOAWAY of 0 bytes", RAW("\0\0\0\7\0\0\0\0\0"), H2_PROTOCOL_ERROR, H2_PROTOCOL_ERROR },
	{ "part of GOAWAY", RAW("\0\0\xc\7\0\0\0\0\0\0\0\0\0"), H2_OK, H2_RESET },
};
/* clang-format on */

static void
first_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
		struct wire wire = { 0 };
		struct h2 *h2;

		put(&wire, first[i].bytes, first[i].length);
		expect(first[i].word, 1, &wire, first[i].fault, NULL);
		h2 = play(&wire, SIZE_MAX / 2);
		if (h2_end(h2) != first[i].closed)
			fail_msg("%s, then closed: %d (%s)", first[i].word, h2_fault(h2), h2_detail(h2));
		h2_free(h2);
		empty(&wire);
	}
}

static void
first_bytes_are_kept(void **state)
{
	struct wire wire = { 0 };
	struct h2 *h2;
	const unsigned char *bytes;

	(void)state;
	put(&wire, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
	h2 = play(&wire, 28);
	assert_int_equal(h2_first(h2, &bytes), 24);
	assert_memory_equal(bytes, "HTTP/1.1 400 Bad Request", 24);
	assert_string_equal(h2_detail(h2), "the peer's first bytes are \"HTTP/1.1 400 Bad Request\"");
	h2_free(h2);
	empty(&wire);
}

/* GOAWAY at each step of a GET; `last` is the last stream that it covers. */
enum step { AT_START, AFTER_SETTINGS, AFTER_HEADERS, IN_BODY, AFTER_BODY };
static const struct {
	enum step step;
	uint32_t last;
	int fault, closed;
	const char *code;
} goaway_steps[] = {
	{ AT_START, 0, H2_GOAWAY, H2_GOAWAY, NULL },
	{ AFTER_SETTINGS, 0, H2_OK, H2_OK, "h2.goaway" },
	{ AFTER_SETTINGS, 1, H2_OK, H2_OK, NULL },
	{ AFTER_HEADERS, 0, H2_OK, H2_OK, "h2.goaway" },
	{ AFTER_HEADERS, 0x7fffffff, H2_OK, H2_OK, NULL },
	{ IN_BODY, 1, H2_OK, H2_OK, NULL },
	{ AFTER_BODY, 1, H2_OK, H2_OK, NULL },
	{ AFTER_BODY, 0, H2_OK, H2_OK, NULL },
};

static void
goaway_wire(struct wire *wire, enum step step, uint32_t last)
{
	for (unsigned at = AT_START; at <= AFTER_BODY; at++) {
		if (at == step)
			put_goaway(wire, last, NGHTTP2_ENHANCE_YOUR_CALM, "too_many_pings\x1b[2J");
		if (at == AT_START)
			put_settings(wire);
		else if (at == AFTER_SETTINGS)
			put_reply(wire, 1, 0);
		else if (at < AFTER_BODY)
			put_frame(wire, DATA, at == IN_BODY ? END : 0, 1, "abc", 3);
	}
}

static void
goaway_at_each_step(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof goaway_steps / sizeof *goaway_steps; i++) {
		struct wire wire = { 0 };
		char word[40];
		struct h2 *h2;

		snprintf(word, sizeof word, "step %d, last %u", (int)goaway_steps[i].step, goaway_steps[i].last);
		goaway_wire(&wire, goaway_steps[i].step, goaway_steps[i].last);
		expect(word, 1, &wire, goaway_steps[i].fault, goaway_steps[i].code);
		h2 = play(&wire, 7);
		assert_true(h2_goaway(h2)->received);
		assert_int_equal(h2_goaway(h2)->code, NGHTTP2_ENHANCE_YOUR_CALM);
		assert_int_equal(h2_goaway(h2)->last_stream, goaway_steps[i].last);
		assert_string_equal(h2_goaway(h2)->debug, "too_many_pings?[2J");
		if (!goaway_steps[i].fault)
			assert_int_equal(get(h2), H2_REFUSED);
		if (!goaway_steps[i].fault && !goaway_steps[i].code) {
			char body[8];

			assert_int_equal(h2_read(h2, 1, body, sizeof body), 6);
		}
		assert_int_equal(h2_end(h2), goaway_steps[i].closed);
		h2_free(h2);
		empty(&wire);
	}
}

/* A request that waits for its turn when GOAWAY comes is refused as well. */
static void
goaway_refuses_what_waits(void **state)
{
	struct wire wire = { 0 };
	struct h2 *h2 = h2_new(NULL, 0);

	(void)state;
	drain(h2);
	put_frame(&wire, NGHTTP2_SETTINGS, 0, 0, "\0\3\0\0\0\0", 6);
	feed(h2, &wire, 100);
	assert_int_equal(get(h2), 1);
	assert_int_equal(drain(h2), 0);
	assert_null(h2_stream_code(h2_stream(h2, 1)));
	wire.length = 0;
	put_goaway(&wire, 0, 0, "");
	feed(h2, &wire, 100);
	assert_string_equal(h2_stream_code(h2_stream(h2, 1)), "h2.goaway");
	h2_cancel(h2, 1);
	h2_free(h2);
	empty(&wire);
}

static void
long_goaway_is_cut(void **state)
{
	struct wire wire = { 0 };
	unsigned char payload[16384];
	struct h2 *h2;

	(void)state;
	memset(payload, 'x', sizeof payload);
	memset(payload, 0, 8);
	put_settings(&wire);
	put_frame(&wire, NGHTTP2_GOAWAY, 0, 0, payload, sizeof payload);
	h2 = play(&wire, 1000);
	assert_int_equal(h2_goaway(h2)->debug_length, H2_DEBUG_BYTES);
	assert_int_equal(strlen(h2_goaway(h2)->debug), H2_DEBUG_BYTES);
	h2_free(h2);
	empty(&wire);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_protocol),           cmocka_unit_test(first_words),
		cmocka_unit_test(first_bytes_are_kept),      cmocka_unit_test(goaway_at_each_step),
		cmocka_unit_test(goaway_refuses_what_waits), cmocka_unit_test(long_goaway_is_cut),
	};

	return cmocka_run_group_tests_name("h2 broken", tests, NULL, NULL);
}
