#include <stdlib.h>
#include <string.h>

#include "h2_inside.h"

struct h2_record *
h2_record(const struct h2 *h2, int32_t stream)
{
	struct h2_record *record = h2->streams;

	while (record && record->seen.id != stream)
		record = record->next;
	return record;
}

bool
h2_stream_over(const struct h2_record *record)
{
	const struct h2_stream *seen = &record->seen;

	return seen->ended || seen->reset || seen->refused || seen->too_large || seen->malformed;
}

static void
free_fields(struct h2_record *record)
{
	for (size_t i = 0; i < record->field_count; i++)
		free((void *)(uintptr_t)record->fields[i].name);
	record->field_count = 0;
}

void
h2_record_free(struct h2_record *record)
{
	free_fields(record);
	free(record->fields);
	free(record->unread.bytes);
	free(record->unsent.bytes);
	free(record);
}

void
h2_list_begin(struct h2_record *record)
{
	record->list_count = record->list_bytes = 0;
	record->status = 0;
	if (!record->seen.headers_done)
		free_fields(record);
}

static int
keep_field(struct h2_record *record, const uint8_t *name, size_t name_length, const uint8_t *value, size_t value_length)
{
	struct h2_field *fields = record->fields;
	size_t room = record->field_room ? record->field_room * 2 : 8;
	char *text;

	if (record->field_count == record->field_room) {
		fields = realloc(record->fields, room * sizeof *fields);
		if (!fields)
			return H2_NO_MEMORY;
		record->fields = fields;
		record->field_room = room;
	}
	text = malloc(name_length + value_length + 2);
	if (!text)
		return H2_NO_MEMORY;
	memcpy(text, name, name_length);
	text[name_length] = 0;
	memcpy(text + name_length + 1, value, value_length);
	text[name_length + 1 + value_length] = 0;
	fields[record->field_count].name = text;
	fields[record->field_count].name_length = name_length;
	fields[record->field_count].value = text + name_length + 1;
	fields[record->field_count++].value_length = value_length;
	return 0;
}

/* nghttp2 has checked that :status is three digits, and comes once and first. */
int
h2_list_add(struct h2_record *record, const uint8_t *name, size_t name_length, const uint8_t *value,
	    size_t value_length)
{
	record->list_count++;
	record->list_bytes += name_length + value_length + 32;
	if (record->list_count > H2_FIELDS || record->list_bytes > H2_FIELD_BYTES)
		return H2_REFUSED;
	if (name_length == 7 && memcmp(name, ":status", 7) == 0) {
		record->status = (value[0] - '0') * 100 + (value[1] - '0') * 10 + (value[2] - '0');
		return 0;
	}
	if (record->seen.headers_done)
		return 0;
	return keep_field(record, name, name_length, value, value_length);
}

void
h2_list_end(struct h2 *h2, struct h2_record *record)
{
	struct h2_stream *seen = &record->seen;

	if (seen->headers_done || h2_stream_over(record))
		return;
	if (record->status < 200) {
		free_fields(record);
		if (++seen->interim > H2_INTERIM_REPLIES)
			h2_fail(h2, H2_FLOOD, "more than %d interim replies", (int)H2_INTERIM_REPLIES);
		return;
	}
	seen->status = record->status;
	seen->fields = record->fields;
	seen->field_count = record->field_count;
	seen->headers_done = true;
	h2_forgive(h2, H2_FORGIVE_REPLY);
}

int
h2_buffer_append(struct h2_buffer *buffer, const void *bytes, size_t length)
{
	size_t size = buffer->size ? buffer->size : 1024;
	unsigned char *grown;

	if (length == 0)
		return 0;
	if (buffer->start > 0 && buffer->start + buffer->length + length > buffer->size) {
		memmove(buffer->bytes, buffer->bytes + buffer->start, buffer->length);
		buffer->start = 0;
	}
	while (size < buffer->length + length)
		size *= 2;
	if (size > buffer->size) {
		grown = realloc(buffer->bytes, size);
		if (!grown)
			return H2_NO_MEMORY;
		buffer->bytes = grown;
		buffer->size = size;
	}
	memcpy(buffer->bytes + buffer->start + buffer->length, bytes, length);
	buffer->length += length;
	return 0;
}

/* An emptied buffer gives its memory back: an idle downchannel costs nothing. */
size_t
h2_buffer_take(struct h2_buffer *buffer, void *bytes, size_t size)
{
	size_t n = size < buffer->length ? size : buffer->length;

	if (n == 0)
		return 0;
	memcpy(bytes, buffer->bytes + buffer->start, n);
	buffer->start += n;
	buffer->length -= n;
	if (buffer->length == 0) {
		free(buffer->bytes);
		memset(buffer, 0, sizeof *buffer);
	}
	return n;
}

ssize_t
h2_body_source(nghttp2_session *session, int32_t stream, uint8_t *bytes, size_t size, uint32_t *flags,
	       nghttp2_data_source *source, void *user)
{
	struct h2_record *record = h2_record(user, stream);
	size_t n;

	(void)session;
	(void)source;
	if (!record)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	n = h2_buffer_take(&record->unsent, bytes, size);
	if (record->body_ended && record->unsent.length == 0)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	else if (n == 0)
		record->deferred = true;
	return n == 0 && record->deferred ? NGHTTP2_ERR_DEFERRED : (ssize_t)n;
}

/* What a peer's HTTP would refuse, and what could split a header in a proxy. */
static bool
fields_good(const struct h2_field *fields, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count && bytes <= H2_FIELD_BYTES; i++) {
		const struct h2_field *f = &fields[i];

		bytes += f->name_length + f->value_length + 32;
		if (!nghttp2_check_header_name((const uint8_t *)f->name, f->name_length) ||
		    !nghttp2_check_header_value_rfc9113((const uint8_t *)f->value, f->value_length))
			return false;
	}
	return count > 0 && count <= H2_FIELDS && bytes <= H2_FIELD_BYTES;
}

static int32_t
submit(struct h2 *h2, const struct h2_field *fields, size_t count, bool end)
{
	nghttp2_nv *list = calloc(count, sizeof *list);
	nghttp2_data_provider body = { .read_callback = h2_body_source };
	int32_t id;

	if (!list)
		return NGHTTP2_ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		list[i].name = (uint8_t *)(uintptr_t)fields[i].name;
		list[i].namelen = fields[i].name_length;
		list[i].value = (uint8_t *)(uintptr_t)fields[i].value;
		list[i].valuelen = fields[i].value_length;
	}
	id = nghttp2_submit_request(h2->session, NULL, list, count, end ? NULL : &body, NULL);
	free(list);
	return id;
}

int32_t
h2_request(struct h2 *h2, const struct h2_field *fields, size_t count, bool end)
{
	struct h2_record *record;

	if (h2->fault)
		return h2->fault;
	if (!fields_good(fields, count))
		return H2_BAD_FIELD;
	if (h2->shut || h2->goaway.received || !nghttp2_session_check_request_allowed(h2->session))
		return H2_REFUSED;
	if (h2->stream_count >= H2_STREAMS)
		return H2_BUSY;
	record = calloc(1, sizeof *record);
	if (!record)
		return H2_NO_MEMORY;
	record->seen.id = submit(h2, fields, count, end);
	if (record->seen.id < 0) {
		free(record);
		return H2_NO_MEMORY;
	}
	record->has_body = !end;
	record->next = h2->streams;
	h2->streams = record;
	h2->stream_count++;
	return record->seen.id;
}

ssize_t
h2_write(struct h2 *h2, int32_t stream, const void *bytes, size_t length, bool end)
{
	struct h2_record *record = h2_record(h2, stream);
	size_t n;

	if (h2->fault || !record || record->closed || !record->has_body || record->body_ended)
		return STREAM_FAILED;
	n = H2_SEND_BYTES - record->unsent.length;
	if (n > length)
		n = length;
	if (h2_buffer_append(&record->unsent, bytes, n) != 0)
		return STREAM_FAILED;
	record->body_ended = end && n == length;
	if (record->deferred && (n > 0 || record->body_ended)) {
		record->deferred = false;
		nghttp2_session_resume_data(h2->session, stream);
	}
	return (ssize_t)n;
}

static ssize_t
nothing_to_read(const struct h2 *h2, const struct h2_record *record)
{
	if (record->seen.ended)
		return 0;
	return h2->fault || h2_stream_over(record) ? STREAM_FAILED : STREAM_AGAIN;
}

ssize_t
h2_read(struct h2 *h2, int32_t stream, void *bytes, size_t size)
{
	struct h2_record *record = h2_record(h2, stream);
	size_t n;

	if (!record)
		return STREAM_FAILED;
	n = h2_buffer_take(&record->unread, bytes, size);
	if (n == 0 && record->unread.length == 0)
		return nothing_to_read(h2, record);
	if (!h2->dead)
		nghttp2_session_consume(h2->session, stream, n);
	return (ssize_t)n;
}

const struct h2_stream *
h2_stream(const struct h2 *h2, int32_t stream)
{
	const struct h2_record *record = h2_record(h2, stream);

	return record ? &record->seen : NULL;
}

void
h2_cancel(struct h2 *h2, int32_t stream)
{
	struct h2_record *record = h2_record(h2, stream);
	struct h2_record **link = &h2->streams;

	if (!record)
		return;
	while (*link != record)
		link = &(*link)->next;
	*link = record->next;
	h2->stream_count--;
	if (!h2->dead && record->unread.length > 0)
		nghttp2_session_consume_connection(h2->session, record->unread.length);
	if (!h2->dead && !record->closed) {
		nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
		h2_forgive(h2, H2_FORGIVE_CANCEL);
	}
	h2_record_free(record);
}
