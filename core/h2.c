#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h2_inside.h"

size_t
h2_printable(char *text, size_t size, const void *bytes, size_t length)
{
	const unsigned char *from = bytes;
	size_t n = length < size - 1 ? length : size - 1;

	for (size_t i = 0; i < n; i++)
		text[i] = from[i] >= 0x20 && from[i] <= 0x7e ? (char)from[i] : '?';
	text[n] = 0;
	return n;
}

void
h2_fail(struct h2 *h2, enum h2_fault fault, const char *format, ...)
{
	va_list arguments;

	if (h2->fault)
		return;
	h2->fault = fault;
	va_start(arguments, format);
	vsnprintf(h2->detail, sizeof h2->detail, format, arguments);
	va_end(arguments);
}

/* Those that would let a peer make us keep more than our bounds, or that kedge can't do. */
static bool
setting_allowed(const struct h2_setting *setting)
{
	switch (setting->id) {
	case NGHTTP2_SETTINGS_ENABLE_PUSH: return false;
	case NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE: return setting->value <= H2_STREAM_WINDOW;
	case NGHTTP2_SETTINGS_HEADER_TABLE_SIZE:
	case NGHTTP2_SETTINGS_MAX_FRAME_SIZE: return setting->value <= H2_TABLE_BYTES;
	default: return true;
	}
}

static int
choose_settings(struct h2 *h2, const struct h2_setting *settings, size_t count)
{
	if (count > H2_SETTINGS - 1)
		return EINVAL;
	h2->settings_sent[0].id = NGHTTP2_SETTINGS_ENABLE_PUSH;
	h2->settings_sent_count = 1;
	for (size_t i = 0; i < count; i++) {
		if (!setting_allowed(&settings[i]))
			return EINVAL;
		h2->settings_sent[h2->settings_sent_count++] = settings[i];
	}
	return 0;
}

static int
errno_of(int error)
{
	if (error == 0)
		return 0;
	return error == NGHTTP2_ERR_NOMEM ? ENOMEM : EINVAL;
}

static int
greet(struct h2 *h2)
{
	nghttp2_settings_entry entries[H2_SETTINGS];
	int error;

	for (size_t i = 0; i < h2->settings_sent_count; i++) {
		entries[i].settings_id = h2->settings_sent[i].id;
		entries[i].value = h2->settings_sent[i].value;
	}
	error = h2_hear(h2);
	if (error == 0)
		error = nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, entries, h2->settings_sent_count);
	if (error == 0)
		error = nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0, H2_WINDOW);
	return errno_of(error);
}

struct h2 *
h2_new(const struct h2_setting *settings, size_t count)
{
	struct h2 *h2 = calloc(1, sizeof *h2);
	int error;

	if (!h2)
		return NULL;
	h2->budget = H2_UNASKED_FRAMES;
	error = choose_settings(h2, settings, count);
	if (error == 0)
		error = greet(h2);
	if (error == 0)
		return h2;
	h2_free(h2);
	errno = error;
	return NULL;
}

void
h2_free(struct h2 *h2)
{
	if (!h2)
		return;
	nghttp2_session_del(h2->session);
	while (h2->streams) {
		struct h2_record *record = h2->streams;

		h2->streams = record->next;
		h2_record_free(record);
	}
	free(h2);
}

/* The next bytes of nghttp2 into h2->piece; false if there are none. */
static bool
next_piece(struct h2 *h2)
{
	ssize_t n;

	if (h2->piece_length > 0)
		return true;
	if (h2->dead)
		return false;
	n = nghttp2_session_mem_send(h2->session, &h2->piece);
	if (n < 0) {
		h2->dead = true;
		h2_fail(h2, H2_NO_MEMORY, "%s", nghttp2_strerror((int)n));
	}
	h2->piece_length = n > 0 ? (size_t)n : 0;
	return n > 0;
}

static void
fill(struct h2 *h2)
{
	unsigned char *output = h2->output[h2->filling];

	while (h2->filled < H2_OUTPUT_BYTES && next_piece(h2)) {
		size_t n = H2_OUTPUT_BYTES - h2->filled;

		if (n > h2->piece_length)
			n = h2->piece_length;
		memcpy(output + h2->filled, h2->piece, n);
		h2->filled += n;
		h2->piece += n;
		h2->piece_length -= n;
	}
}

size_t
h2_take(struct h2 *h2, const unsigned char **bytes)
{
	size_t n;

	fill(h2);
	n = h2->filled;
	*bytes = h2->output[h2->filling];
	h2->filling ^= 1;
	h2->filled = 0;
	return n;
}

bool
h2_blocked(const struct h2 *h2)
{
	return h2->replies_unsent >= H2_REPLIES_UNSENT;
}

static void
keep_first(struct h2 *h2, const unsigned char *bytes, size_t length)
{
	size_t n = H2_FIRST_BYTES - h2->first_length;

	if (n > length)
		n = length;
	if (n > 0)
		memcpy(h2->first + h2->first_length, bytes, n);
	h2->first_length += n;
}

static void
give(struct h2 *h2, const unsigned char *bytes, size_t length)
{
	ssize_t n = nghttp2_session_mem_recv(h2->session, bytes, length);

	if (n >= 0)
		return;
	h2->dead = true;
	if (n == NGHTTP2_ERR_FLOODED)
		h2_fail(h2, H2_FLOOD, "%s", h2->complaint);
	else if (n == NGHTTP2_ERR_NOMEM)
		h2_fail(h2, H2_NO_MEMORY, "%s", nghttp2_strerror((int)n));
	else
		h2_fail(h2, H2_PROTOCOL_ERROR, "%s", h2->complaint[0] ? h2->complaint : nghttp2_strerror((int)n));
}

/* nghttp2 doesn't say when it gave up, only that no request is possible any more; its GOAWAY (see h2_hear.c) may be
 * stuck behind other output. */
static void
look_for_failure(struct h2 *h2)
{
	fill(h2);
	if (!h2->fault && !h2->shut && !h2->goaway.received && !nghttp2_session_check_request_allowed(h2->session))
		h2_fail(h2, H2_PROTOCOL_ERROR, "%s", h2->complaint);
}

/* Up to one frame's header, or the rest of its payload. A GOAWAY that comes first nghttp2 wouldn't take. */
static size_t
feed_piece(struct h2 *h2, const unsigned char *bytes, size_t length)
{
	const unsigned char *whole;
	size_t whole_length;
	size_t n = h2_scan(h2, bytes, length, &whole, &whole_length);
	bool first_goaway = !h2->settings_received && h2->scan.begun && h2->scan.type == NGHTTP2_GOAWAY;

	if (h2->fault || first_goaway || whole_length == 0)
		return n;
	give(h2, whole, whole_length);
	look_for_failure(h2);
	return n;
}

int
h2_feed(struct h2 *h2, const unsigned char *bytes, size_t length)
{
	keep_first(h2, bytes, length);
	while (length > 0 && !h2->fault) {
		size_t n = feed_piece(h2, bytes, length);

		bytes += n;
		length -= n;
	}
	if (h2->fault == H2_FLOOD && !h2->dead)
		nghttp2_session_terminate_session(h2->session, NGHTTP2_ENHANCE_YOUR_CALM);
	return h2->fault;
}

static bool
awaits(const struct h2 *h2)
{
	const struct h2_record *record = h2->streams;

	while (record && h2_stream_over(record))
		record = record->next;
	return record || h2->ping_count > 0 || !h2->settings_received;
}

int
h2_end(struct h2 *h2)
{
	char text[H2_FIRST_BYTES + 1];

	if (h2->fault || !awaits(h2))
		return h2->fault;
	h2_printable(text, sizeof text, h2->first, h2->first_length);
	if (!h2->scan.begun && h2->first_length > 0 && h2->first[0] != 0)
		h2_fail(h2, H2_NOT_H2, "the peer's first bytes are \"%s\"", text);
	else if (h2->goaway.received)
		h2_fail(h2, H2_GOAWAY, "closed after GOAWAY");
	else
		h2_fail(h2, H2_RESET, "closed without GOAWAY");
	return h2->fault;
}

enum h2_fault
h2_fault(const struct h2 *h2)
{
	return h2->fault;
}

const char *
h2_detail(const struct h2 *h2)
{
	return h2->fault ? h2->detail : h2->complaint;
}

size_t
h2_first(const struct h2 *h2, const unsigned char **bytes)
{
	*bytes = h2->first;
	return h2->first_length;
}

bool
h2_settings_received(const struct h2 *h2)
{
	return h2->settings_received;
}

bool
h2_settings_acked(const struct h2 *h2)
{
	return h2->settings_acked;
}

size_t
h2_settings(const struct h2 *h2, const struct h2_setting **settings)
{
	*settings = h2->settings;
	return h2->settings_count;
}

size_t
h2_settings_sent(const struct h2 *h2, const struct h2_setting **settings)
{
	*settings = h2->settings_sent;
	return h2->settings_sent_count;
}

const struct h2_goaway *
h2_goaway(const struct h2 *h2)
{
	return &h2->goaway;
}

int
h2_ping(struct h2 *h2, unsigned *number)
{
	unsigned n = h2->pings_sent + 1;
	uint8_t opaque[8] = {
		'k', 'd', 'g', 'e', (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n
	};

	if (h2->fault)
		return h2->fault;
	if (h2->ping_count == H2_PINGS)
		return H2_BUSY;
	if (nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, opaque) != 0)
		return H2_NO_MEMORY;
	h2->pings[h2->ping_count++] = n;
	h2->pings_sent = n;
	*number = n;
	return 0;
}

bool
h2_ping_done(const struct h2 *h2, unsigned number)
{
	if (number == 0 || number > h2->pings_sent)
		return false;
	for (size_t i = 0; i < h2->ping_count; i++)
		if (h2->pings[i] == number)
			return false;
	return true;
}

void
h2_shut(struct h2 *h2)
{
	if (h2->shut || h2->dead)
		return;
	h2->shut = true;
	nghttp2_session_terminate_session(h2->session, NGHTTP2_NO_ERROR);
}
