/*
 * Peers for the HTTP/2 tests, all in memory: frames made by hand (struct wire), and an nghttp2 server (struct server).
 * Functions are static: each test is one program.
 */
#ifndef KEDGE_H2_PEER_H
#define KEDGE_H2_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "../../core/h2.h"

#define UNUSED __attribute__((unused))

struct wire {
	unsigned char *bytes;
	size_t length, size;
};

static UNUSED void
put(struct wire *wire, const void *bytes, size_t length)
{
	if (wire->length + length > wire->size) {
		wire->size = (wire->length + length) * 2;
		wire->bytes = realloc(wire->bytes, wire->size);
		assert_non_null(wire->bytes);
	}
	if (length > 0)
		memcpy(wire->bytes + wire->length, bytes, length);
	wire->length += length;
}

static UNUSED void
put_frame(struct wire *wire, unsigned type, unsigned flags, uint32_t stream, const void *payload, size_t length)
{
	unsigned char head[9] = { (unsigned char)(length >> 16), (unsigned char)(length >> 8),
				  (unsigned char)length,         (unsigned char)type,
				  (unsigned char)flags,          (unsigned char)(stream >> 24),
				  (unsigned char)(stream >> 16), (unsigned char)(stream >> 8),
				  (unsigned char)stream };

	put(wire, head, sizeof head);
	put(wire, payload, length);
}

static UNUSED void
put_settings(struct wire *wire)
{
	put_frame(wire, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
}

static UNUSED void
put_goaway(struct wire *wire, uint32_t last, uint32_t code, const char *debug)
{
	unsigned char payload[1024] = { (unsigned char)(last >> 24), (unsigned char)(last >> 16),
					(unsigned char)(last >> 8),  (unsigned char)last,
					(unsigned char)(code >> 24), (unsigned char)(code >> 16),
					(unsigned char)(code >> 8),  (unsigned char)code };

	memcpy(payload + 8, debug, strlen(debug));
	put_frame(wire, NGHTTP2_GOAWAY, 0, 0, payload, 8 + strlen(debug));
}

/* One literal field without indexing (RFC 7541 §6.2.2); name and value shorter than 127 bytes. */
static UNUSED void
put_literal(struct wire *block, const char *name, const char *value)
{
	unsigned char lengths[2] = { (unsigned char)strlen(name), (unsigned char)strlen(value) };

	put(block, "\0", 1);
	put(block, &lengths[0], 1);
	put(block, name, lengths[0]);
	put(block, &lengths[1], 1);
	put(block, value, lengths[1]);
}

/* A reply's HEADERS with :status 200 (static table index 8). */
static UNUSED void
put_reply(struct wire *wire, uint32_t stream, unsigned flags)
{
	put_frame(wire, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | flags, stream, "\x88", 1);
}

static UNUSED void
empty(struct wire *wire)
{
	free(wire->bytes);
	memset(wire, 0, sizeof *wire);
}

/* clang-format off */
#define FIELD(n, v) { .name = n, .name_length = sizeof n - 1, .value = v, .value_length = sizeof v - 1 }
/* clang-format on */

static const struct h2_field get_fields[] = { FIELD(":method", "GET"), FIELD(":scheme", "https"),
					      FIELD(":authority", "example.net"), FIELD(":path", "/"),
					      FIELD("user-agent", "kedge") };
static const struct h2_field post_fields[] = { FIELD(":method", "POST"), FIELD(":scheme", "https"),
					       FIELD(":authority", "example.net"), FIELD(":path", "/"),
					       FIELD("content-type", "a/b") };

static UNUSED int32_t
get(struct h2 *h2)
{
	return h2_request(h2, get_fields, 5, true);
}

/* Throws away what would be sent. */
static UNUSED size_t
drain(struct h2 *h2)
{
	const unsigned char *bytes;
	size_t all = 0, n;

	while ((n = h2_take(h2, &bytes)) > 0)
		all += n;
	return all;
}

/* Feeds in pieces of `step` bytes, taking the output in between. */
static UNUSED int
feed(struct h2 *h2, const struct wire *wire, size_t step)
{
	for (size_t i = 0; i < wire->length; i += step) {
		h2_feed(h2, wire->bytes + i, wire->length - i < step ? wire->length - i : step);
		drain(h2);
	}
	return h2_fault(h2);
}

/* Plays to a fresh connection with a GET under way on stream 1. */
static UNUSED struct h2 *
play(const struct wire *wire, size_t step)
{
	struct h2 *h2 = h2_new(NULL, 0);

	assert_non_null(h2);
	assert_int_equal(get(h2), 1);
	drain(h2);
	feed(h2, wire, step);
	return h2;
}

/* The same end however the peer's bytes are cut: the connection's fault, and the code of the stream, NULL for a good
 * one. */
static UNUSED void
expect(const char *word, unsigned n, const struct wire *wire, int fault, const char *code)
{
	static const size_t steps[] = { SIZE_MAX / 2, 1000, 1 };

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct h2 *h2 = play(wire, steps[i]);
		const char *seen = h2_stream_code(h2_stream(h2, 1));

		if ((int)h2_fault(h2) != fault)
			fail_msg("%s (%u), pieces of %zu: fault %d (%s), not %d", word, n, steps[i], h2_fault(h2),
				 h2_detail(h2), fault);
		if ((code || seen) && (!code || !seen || strcmp(code, seen) != 0))
			fail_msg("%s (%u), pieces of %zu: stream %s, not %s", word, n, steps[i], seen ? seen : "good",
				 code ? code : "good");
		h2_free(h2);
	}
}

/* A server that answers each request with `body` bytes of a pattern, or, for a POST, with the number of bytes it got as
 * header "got". */
struct server {
	nghttp2_session *session;
	size_t body;   /* of each reply */
	bool open_end; /* after these bytes the reply stays open */
	size_t got;    /* request body bytes */
	unsigned requests, pings, resets, goaways;
	size_t sent[400]; /* body bytes by stream id */
	const uint8_t *out;
	size_t out_length;
};

static UNUSED unsigned char
pattern(size_t i)
{
	return (unsigned char)(i * 7 + i / 251);
}

static ssize_t
server_body(nghttp2_session *session, int32_t stream, uint8_t *bytes, size_t size, uint32_t *flags,
	    nghttp2_data_source *source, void *user)
{
	struct server *server = user;
	size_t *sent = &server->sent[stream];
	size_t n = server->body - *sent;

	(void)session;
	(void)source;
	if (n == 0 && server->open_end)
		return NGHTTP2_ERR_DEFERRED;
	n = n < size ? n : size;
	for (size_t i = 0; i < n; i++)
		bytes[i] = pattern(*sent + i);
	*sent += n;
	if (*sent == server->body && !server->open_end)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static void
server_reply(struct server *server, int32_t stream)
{
	nghttp2_data_provider provider = { .read_callback = server_body };
	nghttp2_nv fields[] = { { (uint8_t *)":status", (uint8_t *)"200", 7, 3, 0 },
				{ (uint8_t *)"server", (uint8_t *)"test", 6, 4, 0 } };

	server->requests++;
	assert_int_equal(nghttp2_submit_response(server->session, stream, fields, 2, &provider), 0);
}

static int
server_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct server *server = user;

	(void)session;
	server->pings += frame->hd.type == NGHTTP2_PING && !(frame->hd.flags & NGHTTP2_FLAG_ACK);
	server->resets += frame->hd.type == NGHTTP2_RST_STREAM;
	server->goaways += frame->hd.type == NGHTTP2_GOAWAY;
	if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
	    frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		server_reply(server, frame->hd.stream_id);
	return 0;
}

static int
server_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes, size_t length, void *user)
{
	struct server *server = user;

	(void)session;
	(void)flags;
	(void)stream;
	for (size_t i = 0; i < length; i++)
		assert_int_equal(bytes[i], pattern(server->got + i));
	server->got += length;
	return 0;
}

static UNUSED void
server_open(struct server *server, size_t body)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_settings_entry settings[] = { { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 128 },
					      { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 8192 } };

	memset(server, 0, sizeof *server);
	server->body = body;
	assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, server_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, server_data);
	assert_int_equal(nghttp2_session_server_new(&server->session, callbacks, server), 0);
	nghttp2_session_callbacks_del(callbacks);
	assert_int_equal(nghttp2_submit_settings(server->session, 0, settings, 2), 0);
}

static UNUSED void
server_close(struct server *server)
{
	nghttp2_session_del(server->session);
}

/* Client to server until there is nothing more to say; the number of bytes. */
static UNUSED size_t
to_server(struct h2 *h2, struct server *server)
{
	const unsigned char *bytes;
	size_t n, all = 0;

	while ((n = h2_take(h2, &bytes)) > 0) {
		assert_int_equal(nghttp2_session_mem_recv(server->session, bytes, n), n);
		all += n;
	}
	return all;
}

static UNUSED size_t
to_client(struct h2 *h2, struct server *server)
{
	const uint8_t *bytes;
	ssize_t n;
	size_t all = 0;

	while ((n = nghttp2_session_mem_send(server->session, &bytes)) > 0) {
		assert_int_equal(h2_feed(h2, bytes, (size_t)n), 0);
		all += (size_t)n;
	}
	return all;
}

static UNUSED void
talk(struct h2 *h2, struct server *server)
{
	while (to_server(h2, server) + to_client(h2, server) > 0)
		continue;
}

#endif
