#include <stdio.h>

#include "h2_inside.h"

/* The stream that a frame's header list belongs to; none for a promised one. */
static struct h2_record *
list_of(const struct h2 *h2, const nghttp2_frame *frame)
{
	return frame->hd.type == NGHTTP2_HEADERS ? h2_record(h2, frame->hd.stream_id) : NULL;
}

/* Bytes that nobody will read open the connection's window again. */
static int
on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *bytes, size_t length, void *user)
{
	struct h2 *h2 = user;
	struct h2_record *record = h2_record(h2, stream);

	(void)flags;
	if (!record || h2_stream_over(record)) {
		nghttp2_session_consume(session, stream, length);
		return 0;
	}
	record->seen.body_bytes += length;
	if (h2_buffer_append(&record->unread, bytes, length) == 0)
		return 0;
	h2_fail(h2, H2_NO_MEMORY, "no memory for a reply's body");
	return NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2_record *record = list_of(user, frame);

	(void)session;
	if (record)
		h2_list_begin(record);
	return 0;
}

static int
count_field(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
	    const uint8_t *value, size_t value_length, uint8_t flags, void *user)
{
	struct h2 *h2 = user;
	struct h2_record *record = list_of(h2, frame);

	(void)session;
	(void)flags;
	if (!record || h2_stream_over(record))
		return 0;
	switch (h2_list_add(record, name, name_length, value, value_length)) {
	case 0: return 0;
	case H2_NO_MEMORY:
		h2_fail(h2, H2_NO_MEMORY, "no memory for a reply's header");
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	default:
		record->seen.too_large = true;
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* resets the stream, and calls no more for this list */
	}
}

static void
hear_ping_ack(struct h2 *h2, const uint8_t *opaque)
{
	unsigned number = (unsigned)opaque[4] << 24 | (unsigned)opaque[5] << 16 | (unsigned)opaque[6] << 8 | opaque[7];

	for (size_t i = 0; i < h2->ping_count; i++) {
		if (h2->pings[i] != number)
			continue;
		h2->pings[i] = h2->pings[--h2->ping_count];
		h2_forgive(h2, H2_FORGIVE_PING);
		return;
	}
	h2_spend(h2, 1);
}

static void
hear_reset(struct h2_record *record, uint32_t code)
{
	if (h2_stream_over(record))
		return;
	record->seen.reset = true;
	record->seen.reset_code = code;
}

/* A frame that was asked for by being on an open stream. */
static void
hear_stream(struct h2 *h2, struct h2_record *record, const nghttp2_frame *frame)
{
	bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

	if (frame->hd.type == NGHTTP2_RST_STREAM) {
		hear_reset(record, frame->rst_stream.error_code);
		return;
	}
	if (frame->hd.type == NGHTTP2_HEADERS)
		h2_list_end(h2, record);
	else if (!end && frame->hd.length == frame->data.padlen)
		h2_spend(h2, 1);
	if (end && !h2_stream_over(record))
		record->seen.ended = true;
}

/* Requests that wait for their turn will not get one any more, and nghttp2 says nothing about them. */
static void
hear_goaway(struct h2 *h2)
{
	for (struct h2_record *record = h2->streams; record; record = record->next) {
		if (record->closed || h2_stream_over(record) ||
		    nghttp2_session_find_stream(h2->session, record->seen.id))
			continue;
		record->closed = true;
		record->seen.refused = true;
	}
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2 *h2 = user;
	bool ack = frame->hd.flags & NGHTTP2_FLAG_ACK;
	struct h2_record *record;

	(void)session;
	switch (frame->hd.type) {
	case NGHTTP2_SETTINGS:
		h2->settings_acked |= ack;
		h2->settings_received |= !ack;
		h2->replies_unsent += !ack;
		break;
	case NGHTTP2_PING:
		h2->replies_unsent += !ack;
		if (ack)
			hear_ping_ack(h2, frame->ping.opaque_data);
		break;
	case NGHTTP2_GOAWAY: hear_goaway(h2); break;
	case NGHTTP2_DATA:
	case NGHTTP2_HEADERS:
	case NGHTTP2_RST_STREAM:
		record = h2_record(h2, frame->hd.stream_id);
		if (record)
			hear_stream(h2, record, frame);
		break;
	default: break;
	}
	return 0;
}

/* nghttp2 ends a connection that broke the protocol by a GOAWAY with its reason as debug data; only that tells all of
 * these cases. */
static int
before_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2 *h2 = user;
	const char *name;
	char reason[H2_WORDS];

	(void)session;
	if (frame->hd.type != NGHTTP2_GOAWAY || frame->goaway.error_code == NGHTTP2_NO_ERROR)
		return 0;
	name = h2_error_name(frame->goaway.error_code);
	h2_printable(reason, sizeof reason, frame->goaway.opaque_data, frame->goaway.opaque_data_len);
	h2_fail(h2, H2_PROTOCOL_ERROR, "%s%s%s", name ? name : "?", reason[0] || h2->complaint[0] ? ": " : "",
		reason[0] ? reason : h2->complaint);
	return 0;
}

static int
on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2 *h2 = user;
	bool ack = frame->hd.flags & NGHTTP2_FLAG_ACK;

	(void)session;
	if ((frame->hd.type == NGHTTP2_SETTINGS || frame->hd.type == NGHTTP2_PING) && ack && h2->replies_unsent > 0)
		h2->replies_unsent--;
	else if (frame->hd.type == NGHTTP2_DATA)
		h2_forgive(h2, H2_FORGIVE_DATA + frame->hd.length / H2_FORGIVE_DATA_BYTES);
	return 0;
}

/* A request that could not leave any more: GOAWAY came before its turn. */
static int
on_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error, void *user)
{
	struct h2_record *record = h2_record(user, frame->hd.stream_id);

	(void)session;
	(void)error;
	if (!record || frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	record->closed = true;
	if (!h2_stream_over(record))
		record->seen.refused = true;
	return 0;
}

/* Closed although nothing was seen to end it: by GOAWAY, or by nghttp2 for a malformed message. */
static int
on_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user)
{
	struct h2 *h2 = user;
	struct h2_record *record = h2_record(h2, stream);

	(void)session;
	if (!record)
		return 0;
	record->closed = true;
	if (h2_stream_over(record))
		return 0;
	record->seen.refused = code == NGHTTP2_REFUSED_STREAM && h2->goaway.received;
	record->seen.malformed = !record->seen.refused;
	record->seen.reset_code = code;
	return 0;
}

static int
on_complaint(nghttp2_session *session, int code, const char *words, size_t length, void *user)
{
	struct h2 *h2 = user;

	(void)session;
	(void)code;
	h2_printable(h2->complaint, sizeof h2->complaint, words, length);
	return 0;
}

static nghttp2_session_callbacks *
new_callbacks(void)
{
	nghttp2_session_callbacks *callbacks;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return NULL;
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, count_field);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_before_frame_send_callback(callbacks, before_send);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_not_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	nghttp2_session_callbacks_set_error_callback2(callbacks, on_complaint);
	return callbacks;
}

/* Windows open by h2_read alone; no push; no memory of closed streams; header lists are encoded without a table, they
 * are short. */
static nghttp2_option *
new_options(void)
{
	nghttp2_option *options;

	if (nghttp2_option_new(&options) != 0)
		return NULL;
	nghttp2_option_set_no_auto_window_update(options, 1);
	nghttp2_option_set_max_reserved_remote_streams(options, 0);
	nghttp2_option_set_no_closed_streams(options, 1);
	nghttp2_option_set_max_deflate_dynamic_table_size(options, 0);
	return options;
}

int
h2_hear(struct h2 *h2)
{
	nghttp2_session_callbacks *callbacks = new_callbacks();
	nghttp2_option *options = new_options();
	int rv = NGHTTP2_ERR_NOMEM;

	if (callbacks && options)
		rv = nghttp2_session_client_new2(&h2->session, callbacks, h2, options);
	nghttp2_option_del(options);
	nghttp2_session_callbacks_del(callbacks);
	return rv;
}
