/* kedge.core.store: the index of trust anchors. Nothing here waits; files are read at once. */
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>

#include "../digest.h"
#include "../certificate.h"
#include "../store.h"
#include "bind.h"
#include "modules.h"

#define STORE "kedge.store"

struct handle {
	struct store *store;            /* NULL: closed */
};

static struct handle *
check_handle(lua_State *L)
{
	return luaL_checkudata(L, 1, STORE);
}

static struct store *
check_store(lua_State *L)
{
	struct handle *handle = check_handle(L);

	luaL_argcheck(L, handle->store != NULL, 1, "the store is closed");
	return handle->store;
}

static struct span
check_span(lua_State *L, int argument)
{
	struct span span;

	span.data = (const unsigned char *)luaL_checklstring(L, argument, &span.length);
	return span;
}

static void
push_span(lua_State *L, struct span span)
{
	lua_pushlstring(L, (const char *)span.data, span.length);
}

/* A source that can't be read; no memory is an error as everywhere in Lua. */
static int
fail(lua_State *L, const char *path, int error)
{
	if (error == ENOMEM)
		return luaL_error(L, "not enough memory");
	if (error == EFBIG)
		return bind_fail(L, "local.limit", "%s: larger than 16 MiB", path);
	if (error == ENODEV)
		return bind_fail(L, "local.file", "%s: not a regular file", path);
	return bind_fail_errno(L, error == EACCES || error == EPERM ? "local.permission" : "local.file", path, error);
}

static void
load_all(lua_State *L, struct store *store)
{
	if (store_load(store) < 0)
		luaL_error(L, "not enough memory");
}

/* store.new(name) -> store */
static int
store_new_lua(lua_State *L)
{
	struct handle *handle;

	luaL_optstring(L, 1, NULL);
	lua_settop(L, 1);
	handle = lua_newuserdatauv(L, sizeof *handle, 1);
	handle->store = NULL;
	luaL_setmetatable(L, STORE);
	lua_pushvalue(L, 1);
	lua_setiuservalue(L, -2, 1);
	handle->store = store_new();
	if (handle->store == NULL)
		return luaL_error(L, "not enough memory");
	return 1;
}

static int
store_close(lua_State *L)
{
	struct handle *handle = check_handle(L);

	store_free(handle->store);
	handle->store = NULL;
	return 0;
}

/* store:name() -> as given to new, or nil */
static int
store_name(lua_State *L)
{
	check_handle(L);
	lua_getiuservalue(L, 1, 1);
	return 1;
}

static int
store_tostring(lua_State *L)
{
	struct handle *handle = check_handle(L);

	lua_getiuservalue(L, 1, 1);
	lua_pushfstring(L, "store %s (%s)", lua_isnil(L, -1) ? "?" : lua_tostring(L, -1),
	    handle->store == NULL ? "closed" : "open");
	return 1;
}

/* store:add_pem(text, file) -> how many were new | nil, message, code */
static int
store_add_pem_lua(lua_State *L)
{
	struct store *store = check_store(L);
	struct span text = check_span(L, 2);
	const char *file = luaL_optstring(L, 3, "PEM");
	int added = store_add_text(store, (const char *)text.data, text.length, file);

	if (added < 0)
		return fail(L, file, errno);
	lua_pushinteger(L, added);
	return 1;
}

/* store:add_der(der, file) -> true | nil, message, code; one that is there already is true */
static int
store_add_der_lua(lua_State *L)
{
	struct store *store = check_store(L);
	struct span der = check_span(L, 2);
	const char *file = luaL_optstring(L, 3, "DER");
	size_t skipped = store_skipped_count(store);

	if (store_add_der(store, der.data, der.length, file) < 0)
		return fail(L, file, errno);
	if (store_skipped_count(store) > skipped)
		return bind_fail(L, "trust.bad_certificate", "%s: %s", file, store_skipped(store, skipped).message);
	lua_pushboolean(L, 1);
	return 1;
}

/* store:add_file(path) -> how many were new | nil, message, code */
static int
store_add_file_lua(lua_State *L)
{
	struct store *store = check_store(L);
	const char *path = luaL_checkstring(L, 2);
	int added = store_add_file(store, path);

	if (added < 0)
		return fail(L, path, errno);
	lua_pushinteger(L, added);
	return 1;
}

/* store:add_directory(path) -> true | nil, message, code */
static int
store_add_directory_lua(lua_State *L)
{
	struct store *store = check_store(L);
	const char *path = luaL_checkstring(L, 2);

	if (store_add_directory(store, path) < 0)
		return fail(L, path, errno);
	lua_pushboolean(L, 1);
	return 1;
}

/* store:load() reads all that was put off */
static int
store_load_lua(lua_State *L)
{
	load_all(L, check_store(L));
	return 0;
}

/* store:find(canonical subject [, deep]) -> list of DER; deep: reads all that was put off first */
static int
store_find_lua(lua_State *L)
{
	struct store *store = check_store(L);
	struct span subject = check_span(L, 2);
	lua_Integer count = 0;
	size_t at = 0;

	if (lua_toboolean(L, 3))
		load_all(L, store);
	else if (store_find(store, subject) < 0)
		return luaL_error(L, "not enough memory");
	lua_newtable(L);
	while (store_next(store, subject, &at)) {
		push_span(L, store_certificate(store, at - 1));
		lua_rawseti(L, -2, ++count);
	}
	return 1;
}

/* Pushes the list of those whose hash (of the public key, or of all of it) is this. */
static int
find_hash(lua_State *L, bool of_key)
{
	struct store *store = check_store(L);
	struct span wanted = check_span(L, 2), hash = { NULL, DIGEST_SHA256_SIZE };
	unsigned char bytes[DIGEST_SIZE_MAX];
	struct certificate certificate;
	lua_Integer count = 0;

	load_all(L, store);
	lua_newtable(L);
	hash.data = bytes;
	for (size_t i = 0; i < store_count(store); i++) {
		struct span der = store_certificate(store, i), part = der;

		if (of_key && certificate_parse(&certificate, der.data, der.length) == NULL)
			part = certificate.spki;
		digest(DIGEST_SHA256, part.data, part.length, bytes);
		if (!span_equal(hash, wanted))
			continue;
		push_span(L, der);
		lua_rawseti(L, -2, ++count);
	}
	return 1;
}

/* store:find_spki(SHA-256 of a SubjectPublicKeyInfo) -> list of DER */
static int
store_find_spki_lua(lua_State *L)
{
	return find_hash(L, true);
}

/* store:find_sha256(SHA-256 of a certificate) -> DER | nil */
static int
store_find_sha256_lua(lua_State *L)
{
	find_hash(L, false);
	lua_rawgeti(L, -1, 1);
	return 1;
}

/* store:all() -> list of DER in the order they were added */
static int
store_all_lua(lua_State *L)
{
	struct store *store = check_store(L);

	load_all(L, store);
	lua_createtable(L, (int)store_count(store), 0);
	for (size_t i = 0; i < store_count(store); i++) {
		push_span(L, store_certificate(store, i));
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

static int
store_length(lua_State *L)
{
	struct store *store = check_store(L);

	load_all(L, store);
	lua_pushinteger(L, (lua_Integer)store_count(store));
	return 1;
}

/* store:empty() -> true if no certificate in it can be used; reads no more than it must */
static int
store_empty_lua(lua_State *L)
{
	lua_pushboolean(L, store_empty(check_store(L)));
	return 1;
}

/* store:skipped() -> list of { file =, line = | nil, message = }, of what was read so far */
static int
store_skipped_lua(lua_State *L)
{
	struct store *store = check_store(L);

	lua_createtable(L, (int)store_skipped_count(store), 0);
	for (size_t i = 0; i < store_skipped_count(store); i++) {
		struct store_skipped skipped = store_skipped(store, i);

		lua_createtable(L, 0, 3);
		lua_pushstring(L, skipped.file);
		lua_setfield(L, -2, "file");
		if (skipped.line > 0) {
			lua_pushinteger(L, (lua_Integer)skipped.line);
			lua_setfield(L, -2, "line");
		}
		lua_pushstring(L, skipped.message);
		lua_setfield(L, -2, "message");
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

/* store:duplicates() -> how many certificates were there more than once, of what was read so far */
static int
store_duplicates_lua(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)store_duplicates(check_store(L)));
	return 1;
}

int
luaopen_kedge_core_store(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "new", store_new_lua },
		{ NULL, NULL },
	};
	static const luaL_Reg methods[] = {
		{ "add_pem", store_add_pem_lua },
		{ "add_der", store_add_der_lua },
		{ "add_file", store_add_file_lua },
		{ "add_directory", store_add_directory_lua },
		{ "load", store_load_lua },
		{ "find", store_find_lua },
		{ "find_spki", store_find_spki_lua },
		{ "find_sha256", store_find_sha256_lua },
		{ "all", store_all_lua },
		{ "empty", store_empty_lua },
		{ "skipped", store_skipped_lua },
		{ "duplicates", store_duplicates_lua },
		{ "name", store_name },
		{ "close", store_close },
		{ NULL, NULL },
	};
	static const luaL_Reg metamethods[] = {
		{ "__gc", store_close },
		{ "__close", store_close },
		{ "__len", store_length },
		{ "__tostring", store_tostring },
		{ NULL, NULL },
	};

	bind_class(L, STORE, methods, metamethods);
	luaL_newlib(L, functions);
	return 1;
}
