#include "tls_hello.h"

#include <string.h>

enum {
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	MESSAGE_HEADER = 4,
	MESSAGE_HELLO_REQUEST = 0,
	MESSAGE_SERVER_HELLO = 2,
	ALERT_WARNING = 1,
	EXTENSION_ALPN = 16,               /* RFC 7301 */
	EXTENSION_SUPPORTED_VERSIONS = 43, /* RFC 8446 section 4.2.1 */
};

/* What is left of a message; reading past the end gives zeros and sets `short_of`. */
struct cursor {
	const unsigned char *at;
	size_t left;
	bool short_of;
};

static unsigned
take(struct cursor *c, size_t bytes)
{
	unsigned value = 0;

	if (c->left < bytes) {
		c->short_of = true;
		c->left = 0;
		return 0;
	}
	for (c->left -= bytes; bytes > 0; bytes--)
		value = value << 8 | *c->at++;
	return value;
}

static void
skip(struct cursor *c, size_t bytes)
{
	if (c->left < bytes) {
		c->short_of = true;
		bytes = c->left;
	}
	c->at += bytes;
	c->left -= bytes;
}

/* ProtocolNameList with its one name: RFC 7301 section 3.1 */
static void
read_alpn(struct tls_hello *h, struct cursor c)
{
	size_t length;

	skip(&c, 2);
	length = take(&c, 1);
	if (c.short_of || length > c.left)
		return;
	memcpy(h->alpn, c.at, length);
	h->alpn[length] = '\0';
	h->alpn_length = length;
}

static void
read_extension(struct tls_hello *h, unsigned type, struct cursor body)
{
	if (type == EXTENSION_ALPN)
		read_alpn(h, body);
	else if (type == EXTENSION_SUPPORTED_VERSIONS && body.left == 2)
		h->version = take(&body, 2);
}

/* ServerHello: RFC 5246 section 7.4.1.3 */
static void
read_hello(struct tls_hello *h)
{
	struct cursor c = { h->message + MESSAGE_HEADER, h->message_length - MESSAGE_HEADER, false };
	unsigned version = take(&c, 2), suite, type;
	size_t length;

	if (!c.short_of)
		h->version = version;
	skip(&c, 32);
	skip(&c, take(&c, 1)); /* session id */
	suite = take(&c, 2);
	if (!c.short_of)
		h->suite = suite;
	skip(&c, 1 + 2); /* compression, length of all extensions */
	while (c.left > 0) {
		type = take(&c, 2);
		length = take(&c, 2);
		if (c.short_of || length > c.left)
			return;
		read_extension(h, type, (struct cursor){ c.at, length, false });
		skip(&c, length);
	}
}

static size_t
body_length(const struct tls_hello *h)
{
	return (size_t)h->message[1] << 16 | (size_t)h->message[2] << 8 | h->message[3];
}

/* Takes what the message under way still lacks and returns how much that was (> 0). */
static size_t
collect(struct tls_hello *h, const unsigned char *bytes, size_t n)
{
	size_t want = MESSAGE_HEADER;

	if (h->message_length >= MESSAGE_HEADER)
		want += body_length(h);
	if (want > sizeof h->message)
		want = sizeof h->message;
	if (n > want - h->message_length)
		n = want - h->message_length;
	memcpy(h->message + h->message_length, bytes, n);
	h->message_length += n;
	h->complete = h->message_length == want && want > MESSAGE_HEADER;
	return n;
}

static size_t
feed_handshake(struct tls_hello *h, const unsigned char *bytes, size_t n)
{
	size_t used = collect(h, bytes, n);

	if (h->message_length < MESSAGE_HEADER)
		return used;
	if (h->message[0] == MESSAGE_HELLO_REQUEST && body_length(h) == 0)
		h->message_length = 0;
	else if (h->message[0] != MESSAGE_SERVER_HELLO || body_length(h) == 0)
		h->done = true;
	else
		read_hello(h);
	h->done = h->done || h->complete;
	return used;
}

static size_t
feed_alert(struct tls_hello *h, const unsigned char *bytes)
{
	h->alert[h->alert_length++] = *bytes;
	if (h->alert_length == sizeof h->alert) {
		h->alert_length = 0;
		if (h->alert[0] == ALERT_WARNING)
			h->warning = h->alert[1];
	}
	return 1;
}

static size_t
feed_header(struct tls_hello *h, const unsigned char *bytes)
{
	h->header[h->header_length++] = *bytes;
	if (h->header_length == TLS_RECORD_HEADER) {
		h->record_left = (size_t)h->header[3] << 8 | h->header[4];
		if (h->record_left == 0)
			h->header_length = 0;
	}
	return 1;
}

static size_t
feed_record(struct tls_hello *h, const unsigned char *bytes, size_t n)
{
	size_t used = 0;

	if (n > h->record_left)
		n = h->record_left;
	if (h->header[0] == RECORD_HANDSHAKE)
		used = feed_handshake(h, bytes, n);
	else if (h->header[0] == RECORD_ALERT)
		used = feed_alert(h, bytes);
	else
		h->done = true;
	h->record_left -= used;
	if (h->record_left == 0)
		h->header_length = 0;
	return used;
}

void
tls_hello_init(struct tls_hello *h)
{
	*h = (struct tls_hello){ .warning = -1 };
}

void
tls_hello_feed(struct tls_hello *h, const unsigned char *bytes, size_t n)
{
	size_t used;

	while (n > 0 && !h->done) {
		used = h->header_length < TLS_RECORD_HEADER ? feed_header(h, bytes) : feed_record(h, bytes, n);
		bytes += used;
		n -= used;
	}
}
