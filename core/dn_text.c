#include "dn_inside.h"

#include <string.h>

/* RFC 4514 §3, and the names that openssl gives to what certificates hold besides. */
static const struct {
	const char *name;
	unsigned char length;
	unsigned char oid[10];
} types[] = {
	{ "CN", 3, { 0x55, 4, 3 } },
	{ "SN", 3, { 0x55, 4, 4 } },
	{ "serialNumber", 3, { 0x55, 4, 5 } },
	{ "C", 3, { 0x55, 4, 6 } },
	{ "L", 3, { 0x55, 4, 7 } },
	{ "ST", 3, { 0x55, 4, 8 } },
	{ "street", 3, { 0x55, 4, 9 } },
	{ "O", 3, { 0x55, 4, 10 } },
	{ "OU", 3, { 0x55, 4, 11 } },
	{ "title", 3, { 0x55, 4, 12 } },
	{ "businessCategory", 3, { 0x55, 4, 15 } },
	{ "postalCode", 3, { 0x55, 4, 17 } },
	{ "GN", 3, { 0x55, 4, 42 } },
	{ "dnQualifier", 3, { 0x55, 4, 46 } },
	{ "organizationIdentifier", 3, { 0x55, 4, 97 } },
	{ "emailAddress", 9, { 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 1 } },
	{ "UID", 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 1, 1 } },
	{ "DC", 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 1, 25 } },
};

enum { TYPE_COMMON_NAME = 0 };

static bool
type_is(size_t type, struct span oid)
{
	return oid.length == types[type].length && memcmp(oid.data, types[type].oid, oid.length) == 0;
}

static const char *
type_name(struct span oid)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (type_is(i, oid))
			return types[i].name;
	return NULL;
}

static const char digits[] = "0123456789ABCDEF";

static void
words_write(const char *words, char *out, size_t *at)
{
	size_t length = strlen(words);

	memcpy(out + *at, words, length);
	*at += length;
}

static void
hex_write(const unsigned char *bytes, size_t length, const char *before, char *out, size_t *at)
{
	for (size_t i = 0; i < length; i++) {
		words_write(before, out, at);
		out[(*at)++] = digits[bytes[i] >> 4];
		out[(*at)++] = digits[bytes[i] & 0xF];
	}
}

/* Characters that a terminal obeys or that show nothing: controls, direction marks, separators, zero widths, tags. */
static bool
is_hidden(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C || (c >= 0x200B && c <= 0x200F) ||
	    (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF0 && c <= 0xFFFB) ||
	    (c >= 0xE0000 && c <= 0xE0FFF);
}

static void
character_write(uint32_t c, bool first, bool last, char *out, size_t *at)
{
	unsigned char bytes[4];
	size_t length = dn_utf8_write(c, bytes);

	if (is_hidden(c)) {
		hex_write(bytes, length, "\\", out, at);
		return;
	}
	if ((c < 0x80 && strchr("\"+,;<>\\", (int)c) != NULL) || (first && c == '#') || (c == ' ' && (first || last)))
		out[(*at)++] = '\\';
	memcpy(out + *at, bytes, length);
	*at += length;
}

static bool
value_text(const struct der_value *value, char *out, size_t *at)
{
	struct characters characters = dn_characters(value);
	enum character step;
	bool first = true;
	uint32_t c;

	while ((step = dn_character(&characters, &c)) == CHARACTER) {
		character_write(c, first, characters.rest.length == 0, out, at);
		first = false;
	}
	return step == CHARACTER_END;
}

/* RFC 4514 §2.3, §2.4: a type without a name is written as numbers, and its value then as hex of its DER. */
static bool
attribute_text(const struct attribute *attribute, char *out, size_t *at)
{
	const char *name = type_name(attribute->oid);
	char oid[DER_OID_TEXT_SIZE];

	if (name == NULL)
		der_oid_text(attribute->oid, oid);
	words_write(name == NULL ? oid : name, out, at);
	out[(*at)++] = '=';
	if (name != NULL && dn_is_string(attribute->value.tag))
		return value_text(&attribute->value, out, at);
	out[(*at)++] = '#';
	hex_write(attribute->value.whole.data, attribute->value.whole.length, "", out, at);
	return true;
}

size_t
dn_text_bound(size_t name_length)
{
	return 6 * name_length + 64;    /* a byte of Latin-1 may become \XX\XX; names of types and numbers weigh less */
}

bool
dn_text(struct span name, char *out, size_t *length)
{
	struct der rdns[DN_RDN_MAX];
	int count = dn_rdns(name, rdns);
	struct attribute attribute;
	size_t at = 0;

	for (int i = count - 1; i >= 0; i--) {
		const char *before = i == count - 1 ? "" : ",";

		while (!der_done(&rdns[i])) {
			if (!dn_attribute_take(&rdns[i], &attribute))
				return false;
			words_write(before, out, &at);
			if (!attribute_text(&attribute, out, &at))
				return false;
			before = "+";
		}
	}
	*length = at;
	return count >= 0;
}

/* The plain characters, without any escape: what is compared with a host's name. */
static bool
value_utf8(const struct der_value *value, char *out, size_t *length)
{
	struct characters characters = dn_characters(value);
	enum character step;
	uint32_t c;

	*length = 0;
	while ((step = dn_character(&characters, &c)) == CHARACTER)
		*length += dn_utf8_write(c, (unsigned char *)out + *length);
	return step == CHARACTER_END;
}

bool
dn_common_names(struct span name, char *out, void (*each)(void *context, const char *text, size_t length), void *context)
{
	struct der rdns[DN_RDN_MAX];
	int count = dn_rdns(name, rdns);
	struct attribute attribute;
	size_t length;

	for (int i = 0; i < count; i++) {
		while (!der_done(&rdns[i])) {
			if (!dn_attribute_take(&rdns[i], &attribute))
				return false;
			if (!type_is(TYPE_COMMON_NAME, attribute.oid) || !dn_is_string(attribute.value.tag))
				continue;
			if (!value_utf8(&attribute.value, out, &length))
				return false;
			each(context, out, length);
		}
	}
	return count >= 0;
}
