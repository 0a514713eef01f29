#include "extension.h"

#include "dn.h"

#include <string.h>

bool
extension_take(struct der *extensions, struct extension *extension)
{
	struct der inner;
	struct der_value oid, critical, value;

	if (!der_enter(extensions, DER_SEQUENCE, &inner) || !der_take(&inner, DER_OID, &oid))
		return false;
	extension->critical = extension->false_written = false;
	if (der_take(&inner, DER_BOOLEAN, &critical)) {
		extension->critical = critical.content.data[0] != 0;
		extension->false_written = !extension->critical;
	}
	if (!der_take(&inner, DER_OCTET_STRING, &value) || !der_done(&inner))
		return false;
	extension->oid = oid.content;
	extension->value = value.content;
	return true;
}

enum extension_kind
extension_kind(struct span oid)
{
	static const unsigned char last[EXTENSION_KINDS] = {    /* 2.5.29.this */
		[EXTENSION_BASIC_CONSTRAINTS] = 19,
		[EXTENSION_KEY_USAGE] = 15,
		[EXTENSION_EXTENDED_KEY_USAGE] = 37,
		[EXTENSION_SUBJECT_ALT_NAME] = 17,
		[EXTENSION_NAME_CONSTRAINTS] = 30,
		[EXTENSION_AUTHORITY_KEY_ID] = 35,
		[EXTENSION_SUBJECT_KEY_ID] = 14,
		[EXTENSION_CERTIFICATE_POLICIES] = 32,
	};
	unsigned kind = 0;

	if (oid.length != 3 || oid.data[0] != 0x55 || oid.data[1] != 0x1D)
		return EXTENSION_KINDS;
	while (kind < EXTENSION_KINDS && last[kind] != oid.data[2])
		kind++;
	return (enum extension_kind)kind;
}

bool
general_name_take(struct der *names, struct general_name *name)
{
	static const unsigned constructed = 1U << NAME_OTHER | 1U << NAME_X400 | 1U << NAME_DIRECTORY | 1U << NAME_EDI;
	struct der_value value;
	unsigned number;

	if (!der_next(names, &value) || (value.tag & 0xC0) != DER_CONTEXT)
		return false;
	number = value.tag & 0x1F;
	if (number >= NAME_TYPES || (value.tag & DER_CONSTRUCTED) != ((constructed >> number & 1) != 0 ? DER_CONSTRUCTED : 0))
		return false;
	name->type = (enum general_name_type)number;
	name->value = value.content;
	return name->type != NAME_DIRECTORY || dn_check(value.content);
}

bool
general_subtree_take(struct der *subtrees, struct general_name *base)
{
	struct der inner;

	return der_enter(subtrees, DER_SEQUENCE, &inner) && general_name_take(&inner, base) && der_done(&inner);
}

static bool
is_ascii(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if (text.data[i] >= 0x80)
			return false;
	return true;
}

/* All of span is names, taken one by one. */
static bool
names_check(struct span span, bool (*take)(struct der *, struct general_name *), struct extension_facts *facts)
{
	struct der der = der_open(span);
	struct general_name name;

	while (!der_done(&der)) {
		if (!take(&der, &name))
			return false;
		if (name.type == NAME_DNS || name.type == NAME_EMAIL || name.type == NAME_URI)
			facts->names_ascii = facts->names_ascii && is_ascii(name.value);
	}
	return true;
}

static bool
basic_constraints_read(struct der *der, struct extension_facts *facts)
{
	struct der inner;
	struct der_value value;

	if (!der_enter(der, DER_SEQUENCE, &inner))
		return false;
	if (der_take(&inner, DER_BOOLEAN, &value)) {
		facts->ca = value.content.data[0] != 0;
		facts->ca_false_written = !facts->ca;
	}
	if (der_take(&inner, DER_INTEGER, &value)) {
		facts->has_path_length = true;
		if (!der_unsigned(&value, INT32_MAX, &facts->path_length))
			return false;
	}
	return der_done(&inner);
}

static bool
key_usage_read(struct der *der, struct extension_facts *facts)
{
	struct der_value bits;
	size_t count;

	if (!der_take(der, DER_BIT_STRING, &bits))
		return false;
	count = (bits.content.length - 1) * 8 - bits.content.data[0];
	for (unsigned bit = 0; bit < USAGES && bit < count; bit++)
		if ((bits.content.data[1 + bit / 8] & 0x80U >> bit % 8) != 0)
			facts->key_usage |= 1U << bit;
	facts->key_usage_minimal = count == 0 || (bits.content.data[bits.content.length - 1] >> bits.content.data[0] & 1) != 0;
	return true;
}

static bool
extended_key_usage_read(struct der *der, struct extension_facts *facts)
{
	struct der_value list, oid;
	struct der inner;

	if (!der_take(der, DER_SEQUENCE, &list))
		return false;
	inner = der_open(list.content);
	facts->extended_key_usage = list.content;
	while (!der_done(&inner))
		if (!der_take(&inner, DER_OID, &oid))
			return false;
	return true;
}

static bool
subject_alt_name_read(struct der *der, struct extension_facts *facts)
{
	struct der_value list;

	if (!der_take(der, DER_SEQUENCE, &list))
		return false;
	facts->subject_alt_name = list.content;
	return names_check(list.content, general_name_take, facts);
}

static bool
name_constraints_read(struct der *der, struct extension_facts *facts)
{
	struct der inner;
	struct der_value trees;

	if (!der_enter(der, DER_SEQUENCE, &inner))
		return false;
	if (der_take(&inner, DER_CONTEXT | DER_CONSTRUCTED | 0, &trees))
		facts->permitted = trees.content;
	if (der_take(&inner, DER_CONTEXT | DER_CONSTRUCTED | 1, &trees))
		facts->excluded = trees.content;
	return der_done(&inner) && names_check(facts->permitted, general_subtree_take, facts) &&
	    names_check(facts->excluded, general_subtree_take, facts);
}

static bool
authority_key_id_read(struct der *der, struct extension_facts *facts)
{
	struct der inner;
	struct der_value value;

	if (!der_enter(der, DER_SEQUENCE, &inner))
		return false;
	if (der_take(&inner, DER_CONTEXT | 0, &value))
		facts->authority_key_id = value.content;
	if (der_take(&inner, DER_CONTEXT | DER_CONSTRUCTED | 1, &value)) {
		facts->authority_has_issuer = true;
		if (!names_check(value.content, general_name_take, facts))
			return false;
	}
	if (der_take(&inner, DER_CONTEXT | 2, &value))
		facts->authority_has_issuer = true;
	return der_done(&inner);
}

static bool
subject_key_id_read(struct der *der, struct extension_facts *facts)
{
	struct der_value value;

	if (!der_take(der, DER_OCTET_STRING, &value))
		return false;
	facts->subject_key_id = value.content;
	return true;
}

/* Their qualifiers mean nothing to a client; that each begins with a policy's number is all that is asked. */
static bool
certificate_policies_read(struct der *der, struct extension_facts *facts)
{
	struct der_value list, oid;
	struct der inner, policy;

	if (!der_take(der, DER_SEQUENCE, &list))
		return false;
	inner = der_open(list.content);
	facts->certificate_policies = list.content;
	while (!der_done(&inner))
		if (!der_enter(&inner, DER_SEQUENCE, &policy) || !der_take(&policy, DER_OID, &oid))
			return false;
	return true;
}

bool
extension_read(enum extension_kind kind, const struct extension *extension, struct extension_facts *facts)
{
	static bool (*const readers[EXTENSION_KINDS])(struct der *, struct extension_facts *) = {
		[EXTENSION_BASIC_CONSTRAINTS] = basic_constraints_read,
		[EXTENSION_KEY_USAGE] = key_usage_read,
		[EXTENSION_EXTENDED_KEY_USAGE] = extended_key_usage_read,
		[EXTENSION_SUBJECT_ALT_NAME] = subject_alt_name_read,
		[EXTENSION_NAME_CONSTRAINTS] = name_constraints_read,
		[EXTENSION_AUTHORITY_KEY_ID] = authority_key_id_read,
		[EXTENSION_SUBJECT_KEY_ID] = subject_key_id_read,
		[EXTENSION_CERTIFICATE_POLICIES] = certificate_policies_read,
	};
	struct der der = der_open(extension->value);

	facts->present[kind] = true;
	facts->critical[kind] = extension->critical;
	return der_well_formed(extension->value) && readers[kind](&der, facts) && der_done(&der);
}

const char *
extended_key_usage_name(struct span oid)
{
	static const unsigned char prefix[] = { 0x2B, 6, 1, 5, 5, 7, 3 };       /* 1.3.6.1.5.5.7.3 */
	static const unsigned char any[] = { 0x55, 0x1D, 37, 0 };
	static const char *const names[] = {
		[1] = "serverAuth", [2] = "clientAuth", [3] = "codeSigning", [4] = "emailProtection", [8] = "timeStamping",
		[9] = "OCSPSigning",
	};

	if (oid.length == sizeof any && memcmp(oid.data, any, sizeof any) == 0)
		return "anyExtendedKeyUsage";
	if (oid.length != sizeof prefix + 1 || memcmp(oid.data, prefix, sizeof prefix) != 0)
		return NULL;
	return oid.data[sizeof prefix] < sizeof names / sizeof *names ? names[oid.data[sizeof prefix]] : NULL;
}
