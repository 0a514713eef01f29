#include "dn_inside.h"

#include "digest.h"

#include <string.h>

bool
dn_is_string(unsigned char tag)
{
	switch (tag) {
	case DER_UTF8_STRING:
	case DER_PRINTABLE_STRING:
	case DER_T61_STRING:
	case DER_IA5_STRING:
	case DER_VISIBLE_STRING:
	case DER_UNIVERSAL_STRING:
	case DER_BMP_STRING:
		return true;
	default:
		return false;
	}
}

static bool
is_unicode(uint32_t c)
{
	return c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF);
}

/* One character of UTF-8: its length in bytes, or 0 if it isn't the shortest form of one (RFC 3629). */
static size_t
utf8_read(struct span text, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned first = text.data[0];
	size_t length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;

	if (length == 0 || length > text.length)
		return 0;
	*c = length == 1 ? first : first & (0x7FU >> length);
	for (size_t i = 1; i < length; i++) {
		if ((text.data[i] & 0xC0) != 0x80)
			return 0;
		*c = *c << 6 | (text.data[i] & 0x3F);
	}
	return *c >= least[length] && is_unicode(*c) ? length : 0;
}

size_t
dn_utf8_write(uint32_t c, unsigned char out[4])
{
	if (c < 0x80) {
		out[0] = (unsigned char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (unsigned char)(0xC0 | c >> 6);
		out[1] = (unsigned char)(0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (unsigned char)(0xE0 | c >> 12);
		out[1] = (unsigned char)(0x80 | (c >> 6 & 0x3F));
		out[2] = (unsigned char)(0x80 | (c & 0x3F));
		return 3;
	}
	out[0] = (unsigned char)(0xF0 | c >> 18);
	out[1] = (unsigned char)(0x80 | (c >> 12 & 0x3F));
	out[2] = (unsigned char)(0x80 | (c >> 6 & 0x3F));
	out[3] = (unsigned char)(0x80 | (c & 0x3F));
	return 4;
}

enum character
dn_character(struct characters *characters, uint32_t *c)
{
	struct span *rest = &characters->rest;
	size_t width = characters->tag == DER_BMP_STRING ? 2 : characters->tag == DER_UNIVERSAL_STRING ? 4 : 1;

	if (rest->length == 0)
		return CHARACTER_END;
	if (rest->length < width)
		return CHARACTER_BAD;
	if (characters->tag == DER_UTF8_STRING) {
		width = utf8_read(*rest, c);
		if (width == 0)
			return CHARACTER_BAD;
	} else {
		*c = 0;
		for (size_t i = 0; i < width; i++)
			*c = *c << 8 | rest->data[i];
		if (!is_unicode(*c))
			return CHARACTER_BAD;
	}
	rest->data += width;
	rest->length -= width;
	return CHARACTER;
}

struct characters
dn_characters(const struct der_value *value)
{
	struct characters characters = { value->content, value->tag };

	return characters;
}

bool
dn_attribute_take(struct der *set, struct attribute *attribute)
{
	struct der inner;
	struct der_value oid;

	if (!der_enter(set, DER_SEQUENCE, &inner) || !der_take(&inner, DER_OID, &oid) || oid.content.length > DER_OID_MAX)
		return false;
	attribute->oid = oid.content;
	attribute->oid_whole = oid.whole;
	return oid.content.length > 0 && der_next(&inner, &attribute->value) && der_done(&inner);
}

int
dn_rdns(struct span name, struct der rdns[DN_RDN_MAX])
{
	struct der outer = der_open(name), names;
	int count = 0;

	if (!der_enter(&outer, DER_SEQUENCE, &names) || !der_done(&outer))
		return -1;
	while (!der_done(&names)) {
		if (count == DN_RDN_MAX || !der_enter(&names, DER_SET, &rdns[count]) || der_done(&rdns[count]))
			return -1;
		count++;
	}
	return count;
}

static bool
string_check(const struct der_value *value)
{
	struct characters characters = dn_characters(value);
	enum character step;
	uint32_t c;

	if (!dn_is_string(value->tag))
		return true;
	do
		step = dn_character(&characters, &c);
	while (step == CHARACTER);
	return step == CHARACTER_END;
}

bool
dn_check(struct span name)
{
	struct der rdns[DN_RDN_MAX];
	struct attribute attribute;
	int count = dn_rdns(name, rdns);

	for (int i = 0; i < count; i++) {
		unsigned attributes = 0;

		while (!der_done(&rdns[i]))
			if (++attributes > DN_ATTRIBUTES_MAX || !dn_attribute_take(&rdns[i], &attribute) || !string_check(&attribute.value))
				return false;
	}
	return count >= 0;
}

bool
dn_empty(struct span name)
{
	struct der outer = der_open(name), names;

	return der_enter(&outer, DER_SEQUENCE, &names) && der_done(&names);
}

/* Puts a tag and length before the last length bytes of out, whose end is *at. */
static void
header_insert(unsigned char *out, size_t *at, size_t length, unsigned char tag)
{
	unsigned char header[5] = { tag };
	size_t used = 1;
	unsigned char *content = out + *at - length;

	if (length >= 0x80) {
		unsigned bytes = length > 0xFFFF ? 3 : length > 0xFF ? 2 : 1;

		header[used++] = (unsigned char)(0x80 | bytes);
		while (bytes-- > 0)
			header[used++] = (unsigned char)(length >> (8 * bytes));
	} else {
		header[used++] = (unsigned char)length;
	}
	memmove(content + used, content, length);
	memcpy(content, header, used);
	*at += used;
}

/* Space as C's isspace in the "C" locale. */
static bool
is_space(uint32_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
string_canonical(const struct der_value *value, unsigned char *out, size_t *at)
{
	struct characters characters = dn_characters(value);
	size_t start = *at;
	enum character step;
	bool space = false;     /* one is due before the next character that isn't one */
	uint32_t c;

	while ((step = dn_character(&characters, &c)) == CHARACTER) {
		if (is_space(c)) {
			space = *at > start;
			continue;
		}
		if (space)
			out[(*at)++] = ' ';
		space = false;
		*at += dn_utf8_write(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c, out + *at);
	}
	header_insert(out, at, *at - start, DER_UTF8_STRING);
	return step == CHARACTER_END;
}

static void
span_write(struct span span, unsigned char *out, size_t *at)
{
	memcpy(out + *at, span.data, span.length);
	*at += span.length;
}

static bool
attribute_canonical(const struct attribute *attribute, unsigned char *out, size_t *at)
{
	size_t start = *at;

	span_write(attribute->oid_whole, out, at);
	if (!dn_is_string(attribute->value.tag))
		span_write(attribute->value.whole, out, at);
	else if (!string_canonical(&attribute->value, out, at))
		return false;
	header_insert(out, at, *at - start, DER_SEQUENCE);
	return true;
}

static void
reverse(unsigned char *from, unsigned char *to)
{
	while (from < to) {
		unsigned char c = *from;

		*from++ = *--to;
		*to = c;
	}
}

/* X.690 §11.6: the shorter one counts as if it were filled with zeros. */
static bool
comes_before(const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length)
{
	int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

	return order < 0 || (order == 0 && a_length < b_length);
}

/* Moves the encoding between starts[count] and end to its place among the count sorted ones before it. */
static void
set_insert(unsigned char *out, size_t *starts, unsigned count, size_t end)
{
	size_t length = end - starts[count];
	unsigned place = count;

	while (place > 0 && comes_before(out + starts[count], length, out + starts[place - 1], starts[place] - starts[place - 1]))
		place--;
	if (place == count)
		return;
	reverse(out + starts[place], out + starts[count]);      /* a rotation, by three reversals */
	reverse(out + starts[count], out + end);
	reverse(out + starts[place], out + end);
	for (unsigned i = count; i > place; i--)
		starts[i] = starts[i - 1] + length;
}

static bool
rdn_canonical(struct der *set, unsigned char *out, size_t *at)
{
	size_t starts[DN_ATTRIBUTES_MAX];
	size_t start = *at;
	struct attribute attribute;

	for (unsigned count = 0; !der_done(set); count++) {
		if (count == DN_ATTRIBUTES_MAX || !dn_attribute_take(set, &attribute))
			return false;
		starts[count] = *at;
		if (!attribute_canonical(&attribute, out, at))
			return false;
		set_insert(out, starts, count, *at);
	}
	header_insert(out, at, *at - start, DER_SET);
	return true;
}

size_t
dn_canonical_bound(size_t name_length)
{
	return 2 * name_length + 16;    /* Latin-1 doubles; lengths grow only where 64 bytes and more do */
}

bool
dn_canonical(struct span name, unsigned char *out, size_t *length)
{
	struct der rdns[DN_RDN_MAX];
	int count = dn_rdns(name, rdns);
	size_t at = 0;

	for (int i = 0; i < count; i++)
		if (!rdn_canonical(&rdns[i], out, &at))
			return false;
	*length = at;
	return count >= 0;
}

uint32_t
dn_hash(struct span canonical)
{
	unsigned char hash[DIGEST_SIZE_MAX];

	digest(DIGEST_SHA1, canonical.data, canonical.length, hash);
	return hash[0] | (uint32_t)hash[1] << 8 | (uint32_t)hash[2] << 16 | (uint32_t)hash[3] << 24;
}
