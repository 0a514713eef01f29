/* kedge.core.x509: certificates as Lua tables, one signature check, PEM, hashes and names. Nothing here waits. */
#include <lauxlib.h>
#include <lua.h>

#include "../certificate.h"
#include "../dn.h"
#include "../pem.h"
#include "bind.h"
#include "certificate.h"
#include "modules.h"

static struct span
check_span(lua_State *L, int argument)
{
	struct span span;

	span.data = (const unsigned char *)luaL_checklstring(L, argument, &span.length);
	return span;
}

/* x509.parse(der) -> certificate | nil, message, "trust.bad_certificate" */
static int
x509_parse(lua_State *L)
{
	struct span der = check_span(L, 1);
	struct certificate c;
	const char *wrong = certificate_parse(&c, der.data, der.length);

	if (wrong != NULL)
		return bind_fail(L, "trust.bad_certificate", "%s", wrong);
	certificate_push(L, &c);
	lua_pushvalue(L, 1);
	lua_setfield(L, -2, "der");
	return 1;
}

static int
not_verified(lua_State *L, const char *reason, const char *detail)
{
	lua_pushboolean(L, 0);
	lua_pushstring(L, reason);
	lua_pushstring(L, detail);
	return 3;
}

/* x509.verify(child, issuer) -> true | false, "bad_signature" | "unsupported" | "bad_certificate", detail */
static int
x509_verify(lua_State *L)
{
	struct span child_der = check_span(L, 1), issuer_der = check_span(L, 2);
	struct certificate child, issuer;
	const char *why = certificate_parse(&child, child_der.data, child_der.length);

	if (why == NULL)
		why = certificate_parse(&issuer, issuer_der.data, issuer_der.length);
	if (why != NULL)
		return not_verified(L, "bad_certificate", why);
	switch (certificate_verify(&child, &issuer, &why)) {
	case SIGNATURE_GOOD:
		lua_pushboolean(L, 1);
		return 1;
	case SIGNATURE_UNSUPPORTED:
		return not_verified(L, "unsupported", why);
	default:
		return not_verified(L, "bad_signature", why);
	}
}

/* x509.dn_text(name in DER) -> RFC 4514 text | nil, message, code */
static int
x509_dn_text(lua_State *L)
{
	struct span name = check_span(L, 1);

	if (!dn_check(name) || !certificate_push_name(L, name))
		return bind_fail(L, "trust.bad_certificate", "the name can't be read");
	return 1;
}

/* Appends { line =, message = } to the list at index. */
static void
add_skipped(lua_State *L, int index, lua_Integer *count, unsigned line, const char *message)
{
	lua_createtable(L, 0, 2);
	lua_pushinteger(L, (lua_Integer)line);
	lua_setfield(L, -2, "line");
	lua_pushstring(L, message);
	lua_setfield(L, -2, "message");
	lua_rawseti(L, index, ++*count);
}

/* Appends { der =, line =, label = } to the list at index; false if the block isn't base64. */
static bool
add_block(lua_State *L, int index, lua_Integer *count, const struct pem_block *block)
{
	luaL_Buffer buffer;
	size_t length = 0;
	char *room = luaL_buffinitsize(L, &buffer, block->body_length / 4 * 3 + 3);
	bool good = pem_decode(block->body, block->body_length, (unsigned char *)room, &length);

	luaL_pushresultsize(&buffer, good ? length : 0);
	if (!good) {
		lua_pop(L, 1);
		return false;
	}
	lua_createtable(L, 0, 3);
	lua_insert(L, -2);
	lua_setfield(L, -2, "der");
	lua_pushinteger(L, (lua_Integer)block->line);
	lua_setfield(L, -2, "line");
	lua_pushlstring(L, block->label, block->label_length);
	lua_setfield(L, -2, "label");
	lua_rawseti(L, index, ++*count);
	return true;
}

/* x509.pem(text) -> list of { der =, line =, label = }, list of { line =, message = } */
static int
x509_pem(lua_State *L)
{
	struct span text = check_span(L, 1);
	lua_Integer blocks = 0, skipped = 0;
	struct pem_block block;
	enum pem_step step;
	struct pem pem;

	lua_settop(L, 1);
	lua_newtable(L);
	lua_newtable(L);
	if (text.length > PEM_TEXT_MAX) {
		add_skipped(L, 3, &skipped, 1, "the text is larger than 16 MiB");
		return 2;
	}
	pem_open(&pem, (const char *)text.data, text.length);
	while ((step = pem_next(&pem, &block)) != PEM_END) {
		if (step == PEM_BAD)
			add_skipped(L, 3, &skipped, block.line, block.message);
		else if (!add_block(L, 2, &blocks, &block))
			add_skipped(L, 3, &skipped, block.line, PEM_NOT_BASE64);
	}
	return 2;
}

/* x509.encode_pem(der) -> text of a CERTIFICATE block */
static int
x509_encode_pem(lua_State *L)
{
	struct span der = check_span(L, 1);
	luaL_Buffer buffer;
	char *room = luaL_buffinitsize(L, &buffer, pem_encoded_length(der.length));

	luaL_pushresultsize(&buffer, pem_encode(der.data, der.length, room));
	return 1;
}

/* x509.sha256(bytes) -> 32 raw bytes */
static int
x509_sha256(lua_State *L)
{
	certificate_push_digest(L, DIGEST_SHA256, check_span(L, 1));
	return 1;
}

/* x509.sha1(bytes) -> 20 raw bytes */
static int
x509_sha1(lua_State *L)
{
	certificate_push_digest(L, DIGEST_SHA1, check_span(L, 1));
	return 1;
}

/* x509.hex(bytes) -> lower-case hex */
static int
x509_hex(lua_State *L)
{
	static const char digits[] = "0123456789abcdef";
	struct span bytes = check_span(L, 1);
	luaL_Buffer buffer;
	char *at = luaL_buffinitsize(L, &buffer, 2 * bytes.length);

	for (size_t i = 0; i < bytes.length; i++) {
		*at++ = digits[bytes.data[i] >> 4];
		*at++ = digits[bytes.data[i] & 0xF];
	}
	luaL_pushresultsize(&buffer, 2 * bytes.length);
	return 1;
}

int
luaopen_kedge_core_x509(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "parse", x509_parse },
		{ "verify", x509_verify },
		{ "dn_text", x509_dn_text },
		{ "pem", x509_pem },
		{ "encode_pem", x509_encode_pem },
		{ "sha256", x509_sha256 },
		{ "sha1", x509_sha1 },
		{ "hex", x509_hex },
		{ NULL, NULL },
	};

	luaL_newlib(L, functions);
	return 1;
}
