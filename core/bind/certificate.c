#include "certificate.h"

#include <lauxlib.h>

#include "../dn.h"

static void
push_span(lua_State *L, struct span span)
{
	lua_pushlstring(L, (const char *)span.data, span.length);
}

/* Sets a field of the table on top. */
static void
set_span(lua_State *L, const char *name, struct span span)
{
	push_span(L, span);
	lua_setfield(L, -2, name);
}

static void
set_boolean(lua_State *L, const char *name, bool value)
{
	lua_pushboolean(L, value);
	lua_setfield(L, -2, name);
}

static void
set_integer(lua_State *L, const char *name, lua_Integer value)
{
	lua_pushinteger(L, value);
	lua_setfield(L, -2, name);
}

static void
set_string(lua_State *L, const char *name, const char *value)
{
	lua_pushstring(L, value);
	lua_setfield(L, -2, name);
}

static void
push_oid(lua_State *L, struct span oid)
{
	char text[DER_OID_TEXT_SIZE];

	der_oid_text(oid, text);
	lua_pushstring(L, text);
}

/* name, or the dotted numbers where it has none */
static void
push_oid_name(lua_State *L, struct span oid, const char *name)
{
	if (name != NULL)
		lua_pushstring(L, name);
	else
		push_oid(L, oid);
}

void
certificate_push_digest(lua_State *L, enum digest_kind kind, struct span span)
{
	unsigned char hash[DIGEST_SIZE_MAX];
	size_t length = digest(kind, span.data, span.length, hash);

	lua_pushlstring(L, (const char *)hash, length);
}

/* Pushes what write makes of a name, at most bound bytes; false and nothing if it makes nothing. */
static bool
push_written(lua_State *L, struct span name, size_t bound, bool (*write)(struct span, char *, size_t *))
{
	luaL_Buffer buffer;
	char *room = luaL_buffinitsize(L, &buffer, bound);
	size_t length = 0;
	bool good = write(name, room, &length);

	luaL_pushresultsize(&buffer, good ? length : 0);
	if (!good)
		lua_pop(L, 1);
	return good;
}

static bool
write_canonical(struct span name, char *out, size_t *length)
{
	return dn_canonical(name, (unsigned char *)out, length);
}

static bool
push_canonical(lua_State *L, struct span name)
{
	return push_written(L, name, dn_canonical_bound(name.length), write_canonical);
}

bool
certificate_push_name(lua_State *L, struct span name)
{
	return push_written(L, name, dn_text_bound(name.length), dn_text);
}

static void
set_name(lua_State *L, struct span name, const char *canonical, const char *der, const char *text)
{
	if (push_canonical(L, name))
		lua_setfield(L, -2, canonical);
	set_span(L, der, name);
	if (certificate_push_name(L, name))
		lua_setfield(L, -2, text);
}

struct common_names {
	lua_State *L;
	lua_Integer count;
};

static void
add_common_name(void *context, const char *text, size_t length)
{
	struct common_names *names = context;

	lua_pushlstring(names->L, text, length);
	lua_rawseti(names->L, -3, ++names->count);
}

/* The room for the longest name lies as a userdata on the stack while the names are added. */
static void
set_common_names(lua_State *L, struct span subject)
{
	struct common_names names = { L, 0 };
	char *room;

	lua_newtable(L);
	room = lua_newuserdatauv(L, dn_text_bound(subject.length), 0);
	dn_common_names(subject, room, add_common_name, &names);
	lua_pop(L, 1);
	lua_setfield(L, -2, "common_names");
}

static void
set_key(lua_State *L, const struct public_key *key)
{
	const char *curve = key_curve_name(key);

	lua_createtable(L, 0, 4);
	set_boolean(L, "supported", key->supported);
	if (key->bits > 0)
		set_integer(L, "bits", (lua_Integer)key->bits);
	if (key->type == KEY_RSA) {
		set_string(L, "type", "rsa");
		set_integer(L, "exponent_length", (lua_Integer)key->exponent.length);
	} else if (key->type == KEY_EC) {
		set_string(L, "type", "ec");
		push_oid_name(L, key->oid, key->oid.length == 0 ? "explicit" : curve);
		lua_setfield(L, -2, "curve");
	} else {
		push_oid_name(L, key->oid, key_algorithm_name(key));
		lua_setfield(L, -2, "type");
	}
	lua_setfield(L, -2, "key");
}

/* Pushes { type =, value = }; a directory name by its canonical form. */
static void
push_general_name(lua_State *L, const struct general_name *name)
{
	static const char *const types[NAME_TYPES] = {
		[NAME_OTHER] = "other", [NAME_EMAIL] = "email", [NAME_DNS] = "dns", [NAME_X400] = "x400", [NAME_DIRECTORY] = "dn",
		[NAME_EDI] = "edi", [NAME_URI] = "uri", [NAME_IP] = "ip", [NAME_REGISTERED_ID] = "registered_id",
	};

	lua_createtable(L, 0, 2);
	set_string(L, "type", types[name->type]);
	if (name->type != NAME_DIRECTORY || !push_canonical(L, name->value))
		push_span(L, name->value);
	lua_setfield(L, -2, "value");
}

/* Appends the names in span to the table on top. */
static void
add_general_names(lua_State *L, struct span span, bool (*take)(struct der *, struct general_name *))
{
	struct der der = der_open(span);
	struct general_name name;

	for (lua_Integer i = 1; !der_done(&der) && take(&der, &name); i++) {
		push_general_name(L, &name);
		lua_rawseti(L, -2, i);
	}
}

static void
push_basic_constraints(lua_State *L, const struct extension_facts *facts)
{
	lua_createtable(L, 0, 3);
	set_boolean(L, "ca", facts->ca);
	if (facts->has_path_length)
		set_integer(L, "path_length", (lua_Integer)facts->path_length);
}

static void
push_key_usage(lua_State *L, const struct extension_facts *facts)
{
	static const char *const names[USAGES] = {
		[USAGE_DIGITAL_SIGNATURE] = "digital_signature", [USAGE_NON_REPUDIATION] = "non_repudiation",
		[USAGE_KEY_ENCIPHERMENT] = "key_encipherment", [USAGE_DATA_ENCIPHERMENT] = "data_encipherment",
		[USAGE_KEY_AGREEMENT] = "key_agreement", [USAGE_KEY_CERT_SIGN] = "key_cert_sign", [USAGE_CRL_SIGN] = "crl_sign",
		[USAGE_ENCIPHER_ONLY] = "encipher_only", [USAGE_DECIPHER_ONLY] = "decipher_only",
	};

	lua_createtable(L, 0, 4);
	for (unsigned bit = 0; bit < USAGES; bit++)
		if ((facts->key_usage & 1U << bit) != 0)
			set_boolean(L, names[bit], true);
}

static void
push_extended_key_usage(lua_State *L, const struct extension_facts *facts)
{
	struct der der = der_open(facts->extended_key_usage);
	struct der_value oid;

	lua_newtable(L);
	for (lua_Integer i = 1; der_take(&der, DER_OID, &oid); i++) {
		push_oid_name(L, oid.content, extended_key_usage_name(oid.content));
		lua_rawseti(L, -2, i);
	}
}

static void
push_certificate_policies(lua_State *L, const struct extension_facts *facts)
{
	struct der der = der_open(facts->certificate_policies), policy;
	struct der_value oid;

	lua_newtable(L);
	for (lua_Integer i = 1; der_enter(&der, DER_SEQUENCE, &policy) && der_take(&policy, DER_OID, &oid); i++) {
		push_oid(L, oid.content);
		lua_rawseti(L, -2, i);
	}
}

static void
push_subject_alt_name(lua_State *L, const struct extension_facts *facts)
{
	lua_newtable(L);
	add_general_names(L, facts->subject_alt_name, general_name_take);
}

static void
push_name_constraints(lua_State *L, const struct extension_facts *facts)
{
	lua_createtable(L, 0, 3);
	lua_newtable(L);
	add_general_names(L, facts->permitted, general_subtree_take);
	lua_setfield(L, -2, "permitted");
	lua_newtable(L);
	add_general_names(L, facts->excluded, general_subtree_take);
	lua_setfield(L, -2, "excluded");
}

/* The extensions that become a table each, with their criticality in it. */
static void
set_extension_tables(lua_State *L, const struct extension_facts *facts)
{
	static const struct {
		enum extension_kind kind;
		const char *name;
		void (*push)(lua_State *, const struct extension_facts *);
	} tables[] = {
		{ EXTENSION_BASIC_CONSTRAINTS, "basic_constraints", push_basic_constraints },
		{ EXTENSION_KEY_USAGE, "key_usage", push_key_usage },
		{ EXTENSION_EXTENDED_KEY_USAGE, "extended_key_usage", push_extended_key_usage },
		{ EXTENSION_SUBJECT_ALT_NAME, "subject_alt_name", push_subject_alt_name },
		{ EXTENSION_NAME_CONSTRAINTS, "name_constraints", push_name_constraints },
		{ EXTENSION_CERTIFICATE_POLICIES, "certificate_policies", push_certificate_policies },
	};

	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		if (!facts->present[tables[i].kind])
			continue;
		tables[i].push(L, facts);
		set_boolean(L, "critical", facts->critical[tables[i].kind]);
		lua_setfield(L, -2, tables[i].name);
	}
}

/* The list of all extensions, and of those that are critical and not understood. */
static void
set_extension_lists(lua_State *L, struct span extensions)
{
	struct der der = der_open(extensions);
	struct extension extension;
	lua_Integer count = 0, unknown = 0;

	lua_newtable(L);
	lua_newtable(L);
	while (!der_done(&der) && extension_take(&der, &extension)) {
		lua_createtable(L, 0, 2);
		push_oid(L, extension.oid);
		lua_setfield(L, -2, "oid");
		set_boolean(L, "critical", extension.critical);
		lua_rawseti(L, -3, ++count);
		if (!extension.critical || extension_kind(extension.oid) != EXTENSION_KINDS)
			continue;
		push_oid(L, extension.oid);
		lua_rawseti(L, -2, ++unknown);
	}
	lua_setfield(L, -3, "unknown_critical");
	lua_setfield(L, -2, "extensions");
}

static void
set_problems(lua_State *L, uint32_t problems)
{
	lua_Integer count = 0;

	lua_newtable(L);
	for (unsigned i = 0; i < PROBLEMS; i++) {
		if ((problems >> i & 1) == 0)
			continue;
		lua_createtable(L, 0, 2);
		set_string(L, "rule", certificate_problem_rule((enum certificate_problem)i));
		set_string(L, "detail", certificate_problem_detail((enum certificate_problem)i));
		lua_rawseti(L, -2, ++count);
	}
	lua_setfield(L, -2, "problems");
}

static void
set_signature(lua_State *L, const struct certificate *c)
{
	push_oid_name(L, c->algorithm_oid, c->algorithm == NULL ? NULL : c->algorithm->name);
	lua_setfield(L, -2, "signature_algorithm");
	if (c->algorithm != NULL && c->algorithm->digest != DIGEST_NONE)
		set_string(L, "signature_hash", digest_name(c->algorithm->digest));
	set_boolean(L, "algorithms_agree", c->algorithms_agree);
}

static void
set_dates(lua_State *L, const struct certificate *c)
{
	if (c->has_not_before)
		set_integer(L, "not_before", c->not_before);
	if (c->has_not_after)
		set_integer(L, "not_after", c->not_after);
}

static void
set_key_ids(lua_State *L, const struct extension_facts *facts)
{
	if (facts->authority_key_id.data != NULL)
		set_span(L, "authority_key_id", facts->authority_key_id);
	set_boolean(L, "authority_key_id_has_issuer", facts->authority_has_issuer);
	if (facts->subject_key_id.data != NULL)
		set_span(L, "subject_key_id", facts->subject_key_id);
}

void
certificate_push(lua_State *L, const struct certificate *c)
{
	lua_createtable(L, 0, 40);
	certificate_push_digest(L, DIGEST_SHA256, c->der);
	lua_setfield(L, -2, "sha256");
	set_integer(L, "version", (lua_Integer)c->version);
	set_span(L, "serial", c->serial);
	set_signature(L, c);
	set_name(L, c->subject, "subject", "subject_der", "subject_text");
	set_name(L, c->issuer, "issuer", "issuer_der", "issuer_text");
	set_boolean(L, "subject_empty", dn_empty(c->subject));
	set_common_names(L, c->subject);
	set_dates(L, c);
	set_key(L, &c->key);
	set_span(L, "spki", c->spki);
	certificate_push_digest(L, DIGEST_SHA256, c->spki);
	lua_setfield(L, -2, "spki_sha256");
	set_extension_tables(L, &c->facts);
	set_key_ids(L, &c->facts);
	set_extension_lists(L, c->extensions);
	set_problems(L, c->problems);
}
