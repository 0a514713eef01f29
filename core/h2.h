/*
 * One HTTP/2 client connection (RFC 9113) over nghttp2, without input or output of its own: bytes that came go into
 * h2_feed, bytes to send come out of h2_take, and everything else is a question that may be asked again after each
 * feed. Nothing here waits, and no callback reaches the caller.
 *
 * The first flight (preface, SETTINGS, PING, a request) is whatever was asked for before the first h2_take.
 */
#ifndef KEDGE_H2_H
#define KEDGE_H2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "stream.h"

/* Bounds on what a peer may make us keep or do. */
enum {
	H2_FIRST_BYTES = 24,       /* kept of what the peer said first */
	H2_UNASKED_FRAMES = 1000,  /* frames that carry nothing for us, see h2_feed */
	H2_UNASKED_BYTES = 1024,   /* payload of such a frame that counts as one frame more */
	H2_INTERIM_REPLIES = 16,   /* 1xx replies before one final reply */
	H2_CONTINUATIONS = 8,      /* CONTINUATION frames of one header list; as nghttp2 has it since CVE-2024-28182 */
	H2_FIELDS = 128,           /* fields of one header list */
	H2_FIELD_BYTES = 65536,    /* of one header list: names, values and 32 for each field (RFC 9113 §6.5.2) */
	H2_STREAM_WINDOW = 65535,  /* body bytes kept unread of one stream */
	H2_WINDOW = 16 * 65536,    /* body bytes kept unread of all streams together */
	H2_SEND_BYTES = 64 * 1024, /* request body bytes kept unsent of one stream */
	H2_STREAMS = 128,          /* streams not yet forgotten */
	H2_PINGS = 16,             /* PINGs of ours not yet answered */
	H2_SETTINGS = 32,          /* settings kept of the peer, and sent by us */
	H2_DEBUG_BYTES = 256,      /* kept of a GOAWAY's debug data */
	H2_REPLIES_UNSENT = 64     /* unsent replies of ours at which reading should stop, see h2_blocked */
};

/* What went wrong with the connection, or why a call was refused. The first fault stays. */
enum h2_fault {
	H2_OK = 0,
	H2_NOT_H2 = -1,         /* the first bytes were no HTTP/2 frame; see h2_first */
	H2_PROTOCOL_ERROR = -2, /* the peer broke the protocol; h2_detail says how */
	H2_FLOOD = -3,          /* too many frames that carry nothing, interim replies or CONTINUATIONs */
	H2_GOAWAY = -4,         /* the peer said GOAWAY, and then closed or never sent its SETTINGS */
	H2_RESET = -5,          /* the peer closed without a GOAWAY, see h2_end */
	H2_NO_MEMORY = -6,
	H2_REFUSED = -7,  /* calls only: no new stream can be opened, after GOAWAY or h2_shut */
	H2_BUSY = -8,     /* calls only: H2_STREAMS or H2_PINGS reached */
	H2_BAD_FIELD = -9 /* calls only: fields that HTTP doesn't allow (names in lower case), or too many */
};

struct h2_setting {
	uint16_t id;
	uint32_t value;
};

/* A header field. Those of a reply have a NUL behind name and value, and may hold any byte HTTP allows (0x80 to 0xff
 * too). */
struct h2_field {
	const char *name, *value;
	size_t name_length, value_length;
};

struct h2_goaway {
	bool received;
	uint32_t code;       /* h2_error_name */
	int32_t last_stream; /* the peer will not serve streams above it */
	size_t debug_length;
	char debug[H2_DEBUG_BYTES + 1]; /* as text: other bytes than 0x20 to 0x7e are '?' */
};

/* What is known of a reply, read-only. Of ended, reset, refused, too_large and malformed at most one is set: the first
 * that held. */
struct h2_stream {
	int32_t id;
	int status;                    /* 0 until the final reply's headers are complete */
	bool headers_done;             /* status and fields are those of the final reply */
	const struct h2_field *fields; /* without :status; trailers aren't kept */
	size_t field_count;
	unsigned interim;    /* 1xx replies skipped */
	uint64_t body_bytes; /* DATA received so far, read or not */
	bool ended;          /* the whole reply has come; h2_read gives what is left, then 0 */
	bool reset;          /* by the peer, with reset_code */
	bool refused;        /* by GOAWAY: not processed, safe to ask again elsewhere */
	bool too_large;      /* header list over its bounds */
	bool malformed;      /* against HTTP's rules (RFC 9113 §8), such as a wrong Content-Length */
	uint32_t reset_code; /* h2_error_name; for malformed the one we sent */
};

struct h2;

/* A connection with the preface, SETTINGS (ENABLE_PUSH=0 and those given) and a wider connection window queued. NULL
 * with errno ENOMEM, or EINVAL for settings that are invalid, more than H2_SETTINGS - 1, ENABLE_PUSH,
 * INITIAL_WINDOW_SIZE over H2_STREAM_WINDOW, or HEADER_TABLE_SIZE or MAX_FRAME_SIZE over 65536. */
struct h2 *h2_new(const struct h2_setting *settings, size_t count);

/* Frees everything, streams included; NULL is allowed. */
void h2_free(struct h2 *h2);

/* Bytes that came from the peer, any number. 0, or the fault (< 0), then and ever after; after a fault h2_take may
 * still have a GOAWAY.
 *
 * Frames that carry nothing for us and that we didn't ask for spend a budget of H2_UNASKED_FRAMES: SETTINGS, PING,
 * WINDOW_UPDATE, PRIORITY, PUSH_PROMISE, GOAWAY, unknown types, DATA without data, anything on a stream that isn't
 * open, one more for each H2_UNASKED_BYTES of payload. What only our own doing can bring about gives some of it back,
 * never above the full budget: a PING of ours answered (100), a final reply (10), DATA sent (2, and 1 for each 512
 * bytes), a stream cancelled (128). So a downchannel lives as long as it is pinged, and a flood ends at its count. ACKs
 * of our SETTINGS and PINGs cost nothing. */
int h2_feed(struct h2 *h2, const unsigned char *bytes, size_t length);

/* The peer has closed the connection: the fault that this is when something is still awaited (H2_NOT_H2, H2_GOAWAY,
 * H2_RESET, or the one before). Streams that ended keep their replies. */
int h2_end(struct h2 *h2);

/* The next bytes to send, gathered from many frames (<= 2 KiB at a time): their number, 0 if none. They stay valid
 * until the next h2_take (or h2_free), whatever else is called in between; the caller sends all of them. May find a
 * fault. */
size_t h2_take(struct h2 *h2, const unsigned char **bytes);

/* Whether so many replies of ours (ACKs) wait unsent that reading should stop until h2_take took them. Unsent request
 * bodies don't count. */
bool h2_blocked(const struct h2 *h2);

/* The connection's fault, H2_OK if none. */
enum h2_fault h2_fault(const struct h2 *h2);

/* The fault in words, or without one the latest complaint about a stream; the peer's bytes only as printable ASCII; ""
 * if there is none. */
const char *h2_detail(const struct h2 *h2);

/* The first bytes of the peer (<= H2_FIRST_BYTES), raw; returns their number. */
size_t h2_first(const struct h2 *h2, const unsigned char **bytes);

/* The reason code of a fault, "h2.flood" for instance; NULL for H2_OK and for faults that only misuse brings
 * (BAD_FIELD, NO_STREAM). */
const char *h2_fault_code(enum h2_fault fault);

/* Whether the peer's SETTINGS have come, and whether it acknowledged ours. */
bool h2_settings_received(const struct h2 *h2);
bool h2_settings_acked(const struct h2 *h2);

/* The peer's settings as last sent, unknown ones included, in order of arrival; and ours. Returns their number. */
size_t h2_settings(const struct h2 *h2, const struct h2_setting **settings);
size_t h2_settings_sent(const struct h2 *h2, const struct h2_setting **settings);

/* The peer's last GOAWAY; never NULL. */
const struct h2_goaway *h2_goaway(const struct h2 *h2);

/* Queues a PING and gives its number: 0, H2_BUSY, H2_NO_MEMORY or the fault. The caller measures the time. */
int h2_ping(struct h2 *h2, unsigned *number);

/* Whether that PING was answered. */
bool h2_ping_done(const struct h2 *h2, unsigned number);

/* Queues a request: pseudo-fields (:method, :scheme, :authority, :path) first, then fields, all copied; `end` if it has
 * no body. The stream's id (> 0), or < 0: H2_REFUSED, H2_BUSY, H2_BAD_FIELD, H2_NO_MEMORY or the fault. */
int32_t h2_request(struct h2 *h2, const struct h2_field *fields, size_t count, bool end);

/* Appends to a request's body; `end` ends it. The number of bytes taken, which is less than given when H2_SEND_BYTES
 * are waiting (`end` then doesn't count yet), or STREAM_FAILED when the stream is closed or the body was ended. */
ssize_t h2_write(struct h2 *h2, int32_t stream, const void *bytes, size_t length, bool end);

/* Body bytes: their number; 0 at the end; STREAM_AGAIN: none yet; STREAM_FAILED: the stream failed, or is unknown. What
 * was read opens the window again. */
ssize_t h2_read(struct h2 *h2, int32_t stream, void *bytes, size_t size);

/* What is known of the stream; NULL if it is unknown or forgotten. Valid until it is forgotten. */
const struct h2_stream *h2_stream(const struct h2 *h2, int32_t stream);

/* The reason code of a stream that failed: "h2.reset", "h2.goaway", "http.too_large", "http.bad_reply"; NULL if it
 * didn't. */
const char *h2_stream_code(const struct h2_stream *stream);

/* Forgets a stream, with RST_STREAM(CANCEL) if it is still open; DATA that is under way goes back to the connection's
 * window. */
void h2_cancel(struct h2 *h2, int32_t stream);

/* Queues GOAWAY(NO_ERROR), once; no stream can be opened after it. */
void h2_shut(struct h2 *h2);

/* Names: "ENHANCE_YOUR_CALM" (RFC 9113 §7), "SETTINGS_MAX_FRAME_SIZE" (§6.5.2, RFC 8441, RFC 9218); NULL for one
 * without a name. */
const char *h2_error_name(uint32_t code);
const char *h2_setting_name(uint16_t id);

#endif
