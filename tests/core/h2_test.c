/* HTTP/2 with peers that behave: what a caller can do and learn. */
#include "h2_peer.h"

static void
first_flight(void **state)
{
	struct h2 *h2 = h2_new(NULL, 0);
	const unsigned char *bytes;
	unsigned ping;
	unsigned types = 0;
	size_t n, i;

	(void)state;
	assert_int_equal(h2_ping(h2, &ping), 0);
	assert_int_equal(get(h2), 1);
	n = h2_take(h2, &bytes);
	assert_memory_equal(bytes, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
	assert_int_equal(bytes[24 + 3], NGHTTP2_SETTINGS);
	for (i = 24; i < n; i += 9 + (size_t)bytes[i + 2])
		types |= 1u << bytes[i + 3];
	assert_int_equal(i, n);
	assert_int_equal(types, 1u << NGHTTP2_SETTINGS | 1u << NGHTTP2_PING | 1u << NGHTTP2_HEADERS |
					1u << NGHTTP2_WINDOW_UPDATE);
	assert_int_equal(h2_take(h2, &bytes), 0);
	h2_free(h2);
}

static void
settings_both_ways(void **state)
{
	struct h2_setting own[] = { { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 65536 }, { 0x4a4a, 7 } };
	struct h2 *h2 = h2_new(own, 2);
	const struct h2_setting *settings;
	struct wire wire = { 0 };

	(void)state;
	assert_int_equal(h2_settings_sent(h2, &settings), 3);
	assert_int_equal(settings[0].id, NGHTTP2_SETTINGS_ENABLE_PUSH);
	assert_int_equal(settings[2].id, 0x4a4a);
	drain(h2);
	put_frame(&wire, NGHTTP2_SETTINGS, 0, 0, "\0\3\0\0\0\x80\0\4\0\1\0\0\xab\xcd\1\2\3\4\0\3\0\0\0\x64", 24);
	assert_int_equal(feed(h2, &wire, 5), 0);
	assert_true(h2_settings_received(h2));
	assert_false(h2_settings_acked(h2));
	assert_int_equal(h2_settings(h2, &settings), 3);
	assert_int_equal(settings[0].id, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
	assert_int_equal(settings[0].value, 100);
	assert_int_equal(settings[1].value, 65536);
	assert_int_equal(settings[2].id, 0xabcd);
	assert_int_equal(settings[2].value, 0x01020304);
	wire.length = 0;
	put_frame(&wire, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, NULL, 0);
	assert_int_equal(feed(h2, &wire, 1), 0);
	assert_true(h2_settings_acked(h2));
	empty(&wire);
	h2_free(h2);
}

static void
one_get(void **state)
{
	struct h2 *h2 = h2_new(NULL, 0);
	struct server server;
	unsigned ping;
	unsigned char body[1000];
	const struct h2_stream *reply;
	int32_t id;

	(void)state;
	server_open(&server, 600);
	assert_int_equal(h2_ping(h2, &ping), 0);
	id = get(h2);
	assert_int_equal(h2_read(h2, id, body, sizeof body), STREAM_AGAIN);
	assert_false(h2_ping_done(h2, ping));
	talk(h2, &server);
	assert_true(h2_ping_done(h2, ping));
	assert_true(h2_settings_received(h2) && h2_settings_acked(h2));
	reply = h2_stream(h2, id);
	assert_true(reply->headers_done && reply->ended);
	assert_int_equal(reply->status, 200);
	assert_int_equal(reply->field_count, 1);
	assert_string_equal(reply->fields[0].name, "server");
	assert_string_equal(reply->fields[0].value, "test");
	assert_null(h2_stream_code(reply));
	assert_int_equal(reply->body_bytes, 600);
	assert_int_equal(h2_read(h2, id, body, 100), 100);
	assert_int_equal(h2_read(h2, id, body + 100, 900), 500);
	for (size_t i = 0; i < 600; i++)
		assert_int_equal(body[i], pattern(i));
	assert_int_equal(h2_read(h2, id, body, sizeof body), 0);
	assert_int_equal(h2_end(h2), 0);
	h2_shut(h2);
	h2_shut(h2);
	talk(h2, &server);
	assert_int_equal(server.goaways, 1);
	assert_int_equal(h2_fault(h2), 0);
	assert_int_equal(get(h2), H2_REFUSED);
	h2_free(h2);
	server_close(&server);
}

/* Reads what is there; true while the reply isn't over. */
static bool
read_on(struct h2 *h2, int32_t id, size_t *at, size_t most)
{
	unsigned char bytes[5000];
	ssize_t n = h2_read(h2, id, bytes, most < sizeof bytes ? most : sizeof bytes);

	assert_int_not_equal(n, STREAM_FAILED);
	for (ssize_t i = 0; i < n; i++)
		assert_int_equal(bytes[i], pattern(*at + (size_t)i));
	*at += n > 0 ? (size_t)n : 0;
	return n != 0;
}

static void
large_body_streams(void **state)
{
	struct h2 *h2 = h2_new(NULL, 0);
	struct server server;
	size_t at = 0;
	int32_t id;

	(void)state;
	server_open(&server, 1 << 20);
	id = get(h2);
	talk(h2, &server);
	assert_int_equal(h2_stream(h2, id)->body_bytes, H2_STREAM_WINDOW);
	while (read_on(h2, id, &at, 5000))
		talk(h2, &server);
	assert_int_equal(at, 1 << 20);
	h2_free(h2);
	server_close(&server);
}

static void
unread_streams_do_not_stop_others(void **state)
{
	struct h2 *h2 = h2_new(NULL, 0);
	struct server server;
	size_t at = 0;
	int32_t last;

	(void)state;
	server_open(&server, 200000);
	for (int i = 0; i < 10; i++)
		get(h2);
	last = get(h2);
	talk(h2, &server);
	while (read_on(h2, last, &at, 4096))
		talk(h2, &server);
	assert_int_equal(at, 200000);
	for (int32_t id = 1; id < last; id += 2)
		assert_int_equal(h2_stream(h2, id)->body_bytes, H2_STREAM_WINDOW);
	h2_free(h2);
	server_close(&server);
}

/* Forty times 64 KiB that nobody read are more than the connection's window: cancelling has to give them back, those
 * that are buffered (early) as well as those that come later (late). */
static void
cancelled_data_returns(void **state)
{
	struct h2 *h2 = h2_new(NULL, 0);
	struct server server;
	size_t at = 0;
	int32_t id;

	(void)state;
	server_open(&server, 100000);
	for (int i = 0; i < 40; i++) {
		id = get(h2);
		to_server(h2, &server);
		if (i % 2)
			talk(h2, &server);
		h2_cancel(h2, id);
		assert_null(h2_stream(h2, id));
		to_client(h2, &server);
		talk(h2, &server);
	}
	assert_int_equal(server.resets, 40);
	assert_int_equal(h2_read(h2, id, &at, 1), STREAM_FAILED);
	h2_cancel(h2, id);
	at = 0;
	id = get(h2);
	talk(h2, &server);
	while (read_on(h2, id, &at, 5000))
		talk(h2, &server);
	assert_int_equal(at, 100000);
	h2_free(h2);
	server_close(&server);
}

/* Eight bodies fit even the half of the connection's window that is sure to be open. */
static void
finished_unread_body_can_be_read_later(void **state)
{
	struct h2 *h2 = h2_new(NULL, 0);
	struct server server;
	int32_t ids[8];

	(void)state;
	server_open(&server, 60000);
	for (int round = 0; round < 5; round++) {
		for (size_t i = 0; i < 8; i++)
			ids[i] = get(h2);
		talk(h2, &server);
		for (size_t i = 0; i < 8; i++) {
			size_t at = 0;

			assert_true(h2_stream(h2, ids[i])->ended);
			while (read_on(h2, ids[i], &at, 5000))
				continue;
			assert_int_equal(at, 60000);
			h2_cancel(h2, ids[i]);
		}
	}
	assert_int_equal(server.resets, 0);
	h2_free(h2);
	server_close(&server);
}

static void
request_body(void **state)
{
	struct h2 *h2 = h2_new(NULL, 0);
	struct server server;
	unsigned char bytes[3000];
	size_t at = 0;
	int32_t id;

	(void)state;
	server_open(&server, 5);
	id = h2_request(h2, post_fields, 5, false);
	talk(h2, &server);
	while (at < 300000) {
		size_t want = 300000 - at < sizeof bytes ? 300000 - at : sizeof bytes;
		ssize_t n;

		for (size_t i = 0; i < want; i++)
			bytes[i] = pattern(at + i);
		n = h2_write(h2, id, bytes, want, at + want == 300000);
		assert_true(n >= 0);
		at += (size_t)n;
		if (n < (ssize_t)want)
			talk(h2, &server);
	}
	assert_int_equal(h2_write(h2, id, "x", 1, true), STREAM_FAILED);
	talk(h2, &server);
	assert_int_equal(server.got, 300000);
	assert_true(h2_stream(h2, id)->ended);
	assert_int_equal(h2_stream(h2, id)->status, 200);
	assert_int_equal(h2_write(h2, get(h2), "x", 1, true), STREAM_FAILED);
	h2_free(h2);
	server_close(&server);
}

static void
request_body_in_small_pieces_and_empty_end(void **state)
{
	struct h2 *h2 = h2_new(NULL, 0);
	struct server server;
	unsigned char c = pattern(0);
	int32_t id;

	(void)state;
	server_open(&server, 0);
	id = h2_request(h2, post_fields, 5, false);
	assert_int_equal(h2_write(h2, id, &c, 1, false), 1);
	talk(h2, &server);
	assert_int_equal(server.got, 1);
	assert_false(h2_stream(h2, id)->ended);
	assert_int_equal(h2_write(h2, id, NULL, 0, true), 0);
	talk(h2, &server);
	assert_true(h2_stream(h2, id)->ended);
	assert_int_equal(h2_read(h2, id, &c, 1), 0);
	h2_free(h2);
	server_close(&server);
}

/* A whole body that fits the buffer but not yet the wire is cancelled: nothing may look at it any more. */
static void
cancel_with_body_unsent(void **state)
{
	struct h2 *h2 = h2_new(NULL, 0);
	unsigned char bytes[H2_SEND_BYTES] = { 0 };
	const unsigned char *out;
	int32_t id = h2_request(h2, post_fields, 5, false);

	(void)state;
	assert_int_equal(h2_write(h2, id, bytes, sizeof bytes, true), sizeof bytes);
	assert_true(h2_take(h2, &out) > 0);
	h2_cancel(h2, id);
	assert_true(drain(h2) < 20000);
	id = h2_request(h2, post_fields, 5, false);
	h2_cancel(h2, id);
	assert_int_equal(drain(h2), 0);
	h2_free(h2);
}

/* 5,000 PINGs of ours, as many of the peer's, and bodies in both directions on one connection: a day of a downchannel.
 */
static void
long_life(void **state)
{
	struct h2 *h2 = h2_new(NULL, 0);
	struct server server;
	int32_t down;

	(void)state;
	server_open(&server, 10);
	server.open_end = true;
	down = get(h2);
	talk(h2, &server);
	for (int i = 0; i < 5000; i++) {
		unsigned ping;

		assert_int_equal(h2_ping(h2, &ping), 0);
		for (int k = 0; k < i % 5; k++)
			assert_int_equal(nghttp2_submit_ping(server.session, 0, NULL), 0);
		talk(h2, &server);
		assert_true(h2_ping_done(h2, ping));
	}
	assert_int_equal(server.pings, 5000);
	assert_int_equal(h2_stream(h2, down)->body_bytes, 10);
	assert_false(h2_stream(h2, down)->ended);
	h2_free(h2);
	server_close(&server);
}

static void
long_upload_costs_no_budget(void **state)
{
	struct h2 *h2 = h2_new(NULL, 0);
	struct server server;
	int32_t id;

	(void)state;
	server_open(&server, 10);
	id = h2_request(h2, post_fields, 5, false);
	for (size_t at = 0; at < 20000; at++) {
		unsigned char c = pattern(at);

		assert_int_equal(h2_write(h2, id, &c, 1, false), 1);
		to_server(h2, &server);
		if (at > 0)
			nghttp2_submit_window_update(server.session, 0, 0, 1);
		nghttp2_submit_window_update(server.session, 0, id, 1);
		to_client(h2, &server);
	}
	assert_int_equal(h2_fault(h2), 0);
	h2_free(h2);
	server_close(&server);
}

static void
reading_stops_while_replies_wait(void **state)
{
	struct h2 *h2 = h2_new(NULL, 0);
	struct wire wire = { 0 };

	(void)state;
	drain(h2);
	put_settings(&wire);
	for (int i = 0; i < 120 + H2_REPLIES_UNSENT - 1; i++) /* 120 ACKs fit the output that is gathered ahead */
		put_frame(&wire, NGHTTP2_PING, 0, 0, "01234567", 8);
	assert_int_equal(h2_feed(h2, wire.bytes, wire.length), 0);
	assert_false(h2_blocked(h2));
	assert_int_equal(h2_feed(h2, wire.bytes + 9, 17), 0);
	assert_true(h2_blocked(h2));
	drain(h2);
	assert_false(h2_blocked(h2));
	empty(&wire);
	h2_free(h2);
}

/* What h2_take gave stays as it is until the next h2_take. */
static void
output_survives_feed(void **state)
{
	struct h2 *h2 = h2_new(NULL, 0);
	struct wire wire = { 0 };
	const unsigned char *bytes;
	unsigned char copy[2048];
	size_t n = h2_take(h2, &bytes);

	(void)state;
	memcpy(copy, bytes, n);
	put_settings(&wire);
	for (int i = 0; i < 300; i++)
		put_frame(&wire, NGHTTP2_PING, 0, 0, "01234567", 8);
	assert_int_equal(h2_feed(h2, wire.bytes, wire.length), 0);
	assert_memory_equal(copy, bytes, n);
	assert_int_equal(h2_take(h2, &bytes), 2048);
	assert_int_equal(drain(h2), 9 + 300 * 17 - 2048);
	empty(&wire);
	h2_free(h2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_flight),
		cmocka_unit_test(settings_both_ways),
		cmocka_unit_test(one_get),
		cmocka_unit_test(large_body_streams),
		cmocka_unit_test(unread_streams_do_not_stop_others),
		cmocka_unit_test(cancelled_data_returns),
		cmocka_unit_test(finished_unread_body_can_be_read_later),
		cmocka_unit_test(request_body),
		cmocka_unit_test(request_body_in_small_pieces_and_empty_end),
		cmocka_unit_test(cancel_with_body_unsent),
		cmocka_unit_test(long_life),
		cmocka_unit_test(long_upload_costs_no_budget),
		cmocka_unit_test(reading_stops_while_replies_wait),
		cmocka_unit_test(output_survives_feed),
	};

	return cmocka_run_group_tests_name("h2", tests, NULL, NULL);
}
