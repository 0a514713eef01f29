#include "der.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool
span_equal(struct span a, struct span b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

struct der
der_open(struct span span)
{
	struct der der = { span.data, span.data };

	if (span.length > 0)
		der.end += span.length;
	return der;
}

bool
der_done(const struct der *der)
{
	return der->at == der->end;
}

bool
der_is(const struct der *der, unsigned tag)
{
	return der->at != der->end && *der->at == tag;
}

/* Reads a length at at; returns the first byte of the content or NULL. */
static const unsigned char *
length_read(const unsigned char *at, const unsigned char *end, size_t *length)
{
	size_t value = 0;
	unsigned count;

	if (at == end)
		return NULL;
	if (*at < 0x80) {
		*length = *at;
		return at + 1;
	}
	count = *at++ & 0x7FU;
	if (count < 1 || count > 3 || (size_t)(end - at) < count || *at == 0)
		return NULL;
	while (count-- > 0)
		value = value << 8 | *at++;
	if (value < 0x80)
		return NULL;
	*length = value;
	return at;
}

bool
der_next(struct der *der, struct der_value *value)
{
	const unsigned char *content;
	size_t length = 0;

	if (der->at == der->end || (*der->at & 0x1F) == 0x1F)
		return false;
	content = length_read(der->at + 1, der->end, &length);
	if (content == NULL || (size_t)(der->end - content) < length)
		return false;
	value->tag = *der->at;
	value->content.data = content;
	value->content.length = length;
	value->whole.data = der->at;
	value->whole.length = (size_t)(content - der->at) + length;
	der->at = content + length;
	return true;
}

bool
der_take(struct der *der, unsigned tag, struct der_value *value)
{
	return der_is(der, tag) && der_next(der, value);
}

bool
der_enter(struct der *der, unsigned tag, struct der *inner)
{
	struct der_value value;

	if (!der_take(der, tag, &value))
		return false;
	*inner = der_open(value.content);
	return true;
}

static bool
integer_well_formed(struct span number)
{
	if (number.length == 0)
		return false;
	if (number.length == 1)
		return true;
	return !(number.data[0] == 0x00 && number.data[1] < 0x80) && !(number.data[0] == 0xFF && number.data[1] >= 0x80);
}

static bool
bits_well_formed(struct span bits)
{
	unsigned unused;

	if (bits.length == 0)
		return false;
	unused = bits.data[0];
	if (unused > 7 || (bits.length == 1 && unused != 0))
		return false;
	return (bits.data[bits.length - 1] & ((1U << unused) - 1)) == 0 || bits.length == 1;
}

static bool
oid_well_formed(struct span oid)
{
	bool first = true;      /* the next byte begins an arc */

	if (oid.length == 0 || oid.length > DER_OID_MAX)
		return false;
	for (size_t i = 0; i < oid.length; i++) {
		if (first && oid.data[i] == 0x80)
			return false;
		first = oid.data[i] < 0x80;
	}
	return first;
}

static bool
primitive_well_formed(const struct der_value *value)
{
	switch (value->tag) {
	case DER_BOOLEAN:
		return value->content.length == 1 && (value->content.data[0] == 0x00 || value->content.data[0] == 0xFF);
	case DER_INTEGER:
	case DER_ENUMERATED:
		return integer_well_formed(value->content);
	case DER_BIT_STRING:
		return bits_well_formed(value->content);
	case DER_NULL:
		return value->content.length == 0;
	case DER_OID:
		return oid_well_formed(value->content);
	case 0x00:                              /* end of contents: BER's indefinite lengths only */
	case DER_SEQUENCE & ~DER_CONSTRUCTED:
	case DER_SET & ~DER_CONSTRUCTED:
		return false;
	default:
		return true;
	}
}

/* The recursion ends at the latest when depth, the levels still allowed, is used up. */
static bool
well_formed(struct span span, unsigned depth)
{
	struct der der = der_open(span);
	struct der_value value;

	while (!der_done(&der)) {
		if (!der_next(&der, &value))
			return false;
		if ((value.tag & DER_CONSTRUCTED) == 0) {
			if (!primitive_well_formed(&value))
				return false;
			continue;
		}
		if (value.tag < 0x40 && value.tag != DER_SEQUENCE && value.tag != DER_SET)
			return false;
		if (depth == 0 || !well_formed(value.content, depth - 1))
			return false;
	}
	return true;
}

bool
der_well_formed(struct span span)
{
	return well_formed(span, DER_DEPTH_MAX);
}

bool
der_unsigned(const struct der_value *value, uint32_t limit, uint32_t *number)
{
	uint64_t sum = 0;

	if (!integer_well_formed(value->content) || value->content.data[0] >= 0x80)
		return false;
	for (size_t i = 0; i < value->content.length && sum <= limit; i++)
		sum = sum << 8 | value->content.data[i];
	*number = sum > limit ? limit : (uint32_t)sum;
	return true;
}

static void
oid_hex(struct span oid, char text[DER_OID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char *at = text + sprintf(text, "oid-");

	for (size_t i = 0; i < oid.length && i < DER_OID_MAX; i++) {
		*at++ = digits[oid.data[i] >> 4];
		*at++ = digits[oid.data[i] & 0xF];
	}
	*at = '\0';
}

void
der_oid_text(struct span oid, char text[DER_OID_TEXT_SIZE])
{
	uint64_t arc = 0;
	size_t used = 0;

	for (size_t i = 0; i < oid.length && i < DER_OID_MAX; i++) {
		if (arc >> 57 != 0) {
			oid_hex(oid, text);
			return;
		}
		arc = arc << 7 | (oid.data[i] & 0x7F);
		if (oid.data[i] >= 0x80)
			continue;
		if (used == 0) {                /* the first two arcs share one number: 40 * first + second */
			unsigned first = arc < 40 ? 0 : arc < 80 ? 1 : 2;

			used += (size_t)snprintf(text, DER_OID_TEXT_SIZE, "%u.%" PRIu64, first, arc - UINT64_C(40) * first);
		} else {
			used += (size_t)snprintf(text + used, DER_OID_TEXT_SIZE - used, ".%" PRIu64, arc);
		}
		arc = 0;
	}
	text[used] = '\0';
}
