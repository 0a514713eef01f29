/*
 * What the parts of the HTTP/2 session share; for core/h2*.c and their tests alone.
 *
 * h2.c        the session: life, bytes in and out, PING, GOAWAY
 * h2_scan.c   reads frame headers before nghttp2 does, since it has no callback for unknown frames; the budget;
 * SETTINGS and GOAWAY as sent h2_hear.c   nghttp2's callbacks h2_stream.c requests, bodies, forgetting h2_names.c
 * tables
 */
#ifndef KEDGE_H2_INSIDE_H
#define KEDGE_H2_INSIDE_H

#include <nghttp2/nghttp2.h>

#include "h2.h"

enum {
	H2_FRAME_HEAD = 9,      /* RFC 9113 §4.1 */
	H2_FRAME_BYTES = 16384, /* the largest frame before anybody's SETTINGS (§4.2) */
	H2_OUTPUT_BYTES = 2048, /* gathered for one h2_take */
	H2_WORDS = 200,         /* of a detail */
	H2_TABLE_BYTES = 65536, /* largest HEADER_TABLE_SIZE and MAX_FRAME_SIZE that we offer */
	/* What our own doing gives back to the budget of unasked frames. */
	H2_FORGIVE_PING = 100,
	H2_FORGIVE_REPLY = 10,
	H2_FORGIVE_CANCEL = 128,
	H2_FORGIVE_DATA = 2,
	H2_FORGIVE_DATA_BYTES = 512
};

/* Bytes from start to start + length are waiting. */
struct h2_buffer {
	unsigned char *bytes;
	size_t start, length, size;
};

struct h2_record {
	struct h2_stream seen; /* first: what callers see */
	struct h2_record *next;
	struct h2_field *fields; /* ours to free, with each name (the value stands behind it) */
	size_t field_count, field_room;
	size_t list_count, list_bytes; /* of the header list at hand, interim and trailers too */
	int status;                    /* of the header list at hand */
	struct h2_buffer unread, unsent;
	bool has_body, body_ended; /* of the request */
	bool deferred;             /* nghttp2 waits for h2_write */
	bool closed;               /* nghttp2 has forgotten it, or never sent it */
};

struct h2_scan {
	unsigned char head[H2_FRAME_HEAD];
	size_t head_length;
	bool begun; /* a frame's header was complete */
	unsigned type, flags;
	uint32_t stream;
	unsigned continuations; /* in a row */
	size_t length, offset;  /* of the payload, and how far it was read */
	unsigned char entry[8]; /* a setting, or the fixed part of GOAWAY */
	size_t entry_length;
	struct h2_goaway goaway; /* being read */
};

struct h2 {
	nghttp2_session *session;
	enum h2_fault fault;
	char detail[H2_WORDS];
	char complaint[H2_WORDS]; /* nghttp2's latest */
	bool dead;                /* nghttp2 said that its session must not be used again */
	bool shut;
	unsigned char first[H2_FIRST_BYTES];
	size_t first_length;
	struct h2_scan scan;
	unsigned budget; /* of unasked frames */
	unsigned replies_unsent;
	bool settings_received, settings_acked;
	struct h2_setting settings[H2_SETTINGS], settings_sent[H2_SETTINGS];
	size_t settings_count, settings_sent_count;
	struct h2_goaway goaway;
	unsigned pings_sent;
	unsigned pings[H2_PINGS]; /* numbers not yet answered */
	size_t ping_count;
	struct h2_record *streams;
	size_t stream_count;
	const uint8_t *piece; /* what nghttp2 gave and didn't fit */
	size_t piece_length;
	unsigned char output[2][H2_OUTPUT_BYTES]; /* one is with the caller, the other is being filled */
	unsigned filling;                         /* which */
	size_t filled;
};

/* Keeps the first fault, with words for h2_detail (NULL: none). */
void h2_fail(struct h2 *h2, enum h2_fault fault, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Copies as text, other bytes than 0x20 to 0x7e as '?'; at most size - 1; returns the length. */
size_t h2_printable(char *text, size_t size, const void *bytes, size_t length);

/* Takes from, and gives back to, the budget of unasked frames; past it the fault is H2_FLOOD. */
void h2_spend(struct h2 *h2, size_t frames);
void h2_forgive(struct h2 *h2, size_t frames);

/* Reads on in the frames, at most to the end of a header or payload: the number of bytes it used (> 0, for length > 0).
 * `whole` is what nghttp2 may have now, if this was no fault; nothing until a frame's header is complete. */
size_t h2_scan(struct h2 *h2, const unsigned char *bytes, size_t length, const unsigned char **whole,
	       size_t *whole_length);

/* A session with our callbacks and options: 0 or an nghttp2 error. */
int h2_hear(struct h2 *h2);

struct h2_record *h2_record(const struct h2 *h2, int32_t stream);
bool h2_stream_over(const struct h2_record *record);
void h2_record_free(struct h2_record *record);

/* The header list at hand: begins, one field, is complete. add: 0, H2_NO_MEMORY or H2_REFUSED when over the bounds. */
void h2_list_begin(struct h2_record *record);
int h2_list_add(struct h2_record *record, const uint8_t *name, size_t name_length, const uint8_t *value,
		size_t value_length);
void h2_list_end(struct h2 *h2, struct h2_record *record);

/* Appends: 0 or H2_NO_MEMORY. Takes: the number of bytes. */
int h2_buffer_append(struct h2_buffer *buffer, const void *bytes, size_t length);
size_t h2_buffer_take(struct h2_buffer *buffer, void *bytes, size_t size);

/* nghttp2's reader of request bodies. */
ssize_t h2_body_source(nghttp2_session *session, int32_t stream, uint8_t *bytes, size_t size, uint32_t *flags,
		       nghttp2_data_source *source, void *user);

#endif
