#include <string.h>

#include "h2_inside.h"

void
h2_spend(struct h2 *h2, size_t frames)
{
	if (frames > h2->budget)
		h2_fail(h2, H2_FLOOD, "more than %d frames that carry nothing", (int)H2_UNASKED_FRAMES);
	else
		h2->budget -= (unsigned)frames;
}

void
h2_forgive(struct h2 *h2, size_t frames)
{
	size_t room = H2_UNASKED_FRAMES - h2->budget;

	h2->budget += (unsigned)(frames < room ? frames : room);
}

/* A frame that can come first, or that at least looks like one: text never does, its first byte alone makes the length
 * too large. */
static void
check_first(struct h2 *h2)
{
	const struct h2_scan *scan = &h2->scan;
	char text[H2_FIRST_BYTES + 1];

	if (scan->length <= H2_FRAME_BYTES && scan->type <= NGHTTP2_CONTINUATION) {
		bool goaway = scan->type == NGHTTP2_GOAWAY && scan->stream == 0 && scan->length >= 8;

		if (scan->type != NGHTTP2_SETTINGS && !goaway)
			h2_fail(h2, H2_PROTOCOL_ERROR, "the first frame is of type %u, not SETTINGS", scan->type);
		return;
	}
	h2_printable(text, sizeof text, h2->first, h2->first_length);
	h2_fail(h2, H2_NOT_H2, "the peer's first bytes are \"%s\"", text);
}

/* What the frame costs: nothing if it carries something, or answers what we asked. DATA without data and PING ACKs that
 * answer nothing can't be told by their header, and are counted in h2_hear.c. */
static size_t
cost(const struct h2 *h2)
{
	const struct h2_scan *scan = &h2->scan;
	size_t idle = 1 + scan->length / H2_UNASKED_BYTES;
	const struct h2_record *record;

	switch (scan->type) {
	case NGHTTP2_DATA:
	case NGHTTP2_HEADERS:
	case NGHTTP2_CONTINUATION:
	case NGHTTP2_RST_STREAM:
		record = h2_record(h2, (int32_t)scan->stream);
		return record && !record->closed ? 0 : idle;
	case NGHTTP2_SETTINGS: return (scan->flags & NGHTTP2_FLAG_ACK) && !h2->settings_acked ? 0 : idle;
	case NGHTTP2_PING: return (scan->flags & NGHTTP2_FLAG_ACK) ? 0 : idle;
	default: return idle;
	}
}

static void
keep_setting(struct h2 *h2, const unsigned char *entry)
{
	struct h2_setting setting;
	size_t i = 0;

	setting.id = (uint16_t)(entry[0] << 8 | entry[1]);
	setting.value = (uint32_t)entry[2] << 24 | (uint32_t)entry[3] << 16 | (uint32_t)entry[4] << 8 | entry[5];
	while (i < h2->settings_count && h2->settings[i].id != setting.id)
		i++;
	if (i == H2_SETTINGS)
		return;
	h2->settings[i] = setting;
	if (i == h2->settings_count)
		h2->settings_count++;
}

/* Collects `size` bytes of the payload in scan->entry; returns how many of these were used. */
static size_t
collect(struct h2_scan *scan, const unsigned char *bytes, size_t length, size_t size)
{
	size_t n = size - scan->entry_length;

	if (n > length)
		n = length;
	memcpy(scan->entry + scan->entry_length, bytes, n);
	scan->entry_length += n;
	return n;
}

static void
read_settings(struct h2 *h2, const unsigned char *bytes, size_t length)
{
	while (length > 0) {
		size_t n = collect(&h2->scan, bytes, length, 6);

		bytes += n;
		length -= n;
		if (h2->scan.entry_length == 6) {
			keep_setting(h2, h2->scan.entry);
			h2->scan.entry_length = 0;
		}
	}
}

static void
read_goaway(struct h2_scan *scan, const unsigned char *bytes, size_t length)
{
	struct h2_goaway *goaway = &scan->goaway;
	const unsigned char *e = scan->entry;
	size_t n = collect(scan, bytes, length, 8);

	if (scan->entry_length < 8)
		return;
	goaway->received = true;
	goaway->last_stream =
		(int32_t)((uint32_t)(e[0] & 0x7f) << 24 | (uint32_t)e[1] << 16 | (uint32_t)e[2] << 8 | e[3]);
	goaway->code = (uint32_t)e[4] << 24 | (uint32_t)e[5] << 16 | (uint32_t)e[6] << 8 | e[7];
	goaway->debug_length += h2_printable(goaway->debug + goaway->debug_length,
					     sizeof goaway->debug - goaway->debug_length, bytes + n, length - n);
}

static void
end_frame(struct h2 *h2)
{
	struct h2_scan *scan = &h2->scan;

	if (scan->type == NGHTTP2_GOAWAY && scan->goaway.received) {
		h2->goaway = scan->goaway;
		if (!h2->settings_received)
			h2_fail(h2, H2_GOAWAY, "GOAWAY in place of SETTINGS");
	}
	scan->head_length = 0;
}

static void
begin_frame(struct h2 *h2)
{
	struct h2_scan *scan = &h2->scan;
	const unsigned char *head = scan->head;

	scan->length = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
	scan->type = head[3];
	scan->flags = head[4];
	scan->stream = (uint32_t)(head[5] & 0x7f) << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 | head[8];
	scan->offset = 0;
	scan->entry_length = 0;
	memset(&scan->goaway, 0, sizeof scan->goaway);
	if (!scan->begun)
		check_first(h2);
	scan->begun = true;
	scan->continuations = scan->type == NGHTTP2_CONTINUATION ? scan->continuations + 1 : 0;
	if (scan->continuations > H2_CONTINUATIONS)
		h2_fail(h2, H2_FLOOD, "more than %d CONTINUATION frames", (int)H2_CONTINUATIONS);
	h2_spend(h2, cost(h2));
	if (scan->length == 0)
		end_frame(h2);
}

static size_t
scan_payload(struct h2 *h2, const unsigned char *bytes, size_t length)
{
	struct h2_scan *scan = &h2->scan;
	size_t n = scan->length - scan->offset;

	if (n > length)
		n = length;
	if (scan->type == NGHTTP2_SETTINGS && !(scan->flags & NGHTTP2_FLAG_ACK) && scan->stream == 0)
		read_settings(h2, bytes, n);
	else if (scan->type == NGHTTP2_GOAWAY && scan->stream == 0)
		read_goaway(scan, bytes, n);
	scan->offset += n;
	if (scan->offset == scan->length)
		end_frame(h2);
	return n;
}

/* nghttp2 gets the header of a frame in one piece: 1.52 counts each piece of one as a CONTINUATION frame. */
size_t
h2_scan(struct h2 *h2, const unsigned char *bytes, size_t length, const unsigned char **whole, size_t *whole_length)
{
	struct h2_scan *scan = &h2->scan;
	size_t n = H2_FRAME_HEAD - scan->head_length;

	*whole = bytes;
	if (n == 0)
		return *whole_length = scan_payload(h2, bytes, length);
	if (n > length)
		n = length;
	memcpy(scan->head + scan->head_length, bytes, n);
	scan->head_length += n;
	*whole = scan->head;
	*whole_length = scan->head_length == H2_FRAME_HEAD ? H2_FRAME_HEAD : 0;
	if (*whole_length > 0)
		begin_frame(h2);
	return n;
}
