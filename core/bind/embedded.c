/*
 * kedge.core.embedded: what the binary carries.
 *
 *   names(kind) -> list of names, sorted; kind is "module", "format", "script", "anchor" or "text"
 *   load(kind, name [, environment]) -> the chunk as a function | nil, message, "local.file"
 *   text(name) -> a file that is carried as it is | nil, message, "local.file"
 *   anchors() -> list of { name = "AmazonRootCA1.pem", text = PEM }
 *   version, prefix -> strings; build_time -> seconds since 1970
 */
#include "embedded.h"

#include <lauxlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#include "bind.h"
#include "modules.h"

static const char *const kind_names[] = { "module", "format", "script", "anchor", "text", NULL };

const struct embedded *
embedded_find(enum embedded_kind kind, const char *name)
{
	for (size_t i = 0; i < embedded_count; i++) {
		if (embedded_files[i].kind == kind && strcmp(embedded_files[i].name, name) == 0)
			return &embedded_files[i];
	}
	return NULL;
}

enum { GZIP = 16 }; /* added to the bits of the window: a header of gzip, not of zlib */

/* Whether the file's data stood for exactly its size of bytes, which `content` now holds. */
static bool
decompress(const struct embedded *file, unsigned char *content)
{
	z_stream stream = { .next_in = file->data,
			    .avail_in = (uInt)file->length,
			    .avail_out = (uInt)file->size };
	int status;

	stream.next_out = content;
	if (inflateInit2(&stream, MAX_WBITS + GZIP) != Z_OK)
		return false;
	status = inflate(&stream, Z_FINISH);
	inflateEnd(&stream);
	return status == Z_STREAM_END && stream.avail_out == 0;
}

void
embedded_push(lua_State *L, const struct embedded *file)
{
	luaL_Buffer buffer;
	unsigned char *content = (unsigned char *)luaL_buffinitsize(L, &buffer, file->size);

	if (!decompress(file, content))
		luaL_error(L, "built-in file %s is damaged", file->name);
	luaL_pushresultsize(&buffer, file->size);
}

int
embedded_load(lua_State *L, const struct embedded *file)
{
	int status;

	embedded_push(L, file);
	status = luaL_loadbufferx(L, lua_tostring(L, -1), file->size, file->chunk_name, NULL);
	lua_remove(L, -2);
	return status;
}

static enum embedded_kind
check_kind(lua_State *L, int argument)
{
	return (enum embedded_kind)luaL_checkoption(L, argument, NULL, kind_names);
}

static int
names(lua_State *L)
{
	enum embedded_kind kind = check_kind(L, 1);
	lua_Integer n = 0;

	lua_newtable(L);
	for (size_t i = 0; i < embedded_count; i++) {
		if (embedded_files[i].kind != kind)
			continue;
		lua_pushstring(L, embedded_files[i].name);
		lua_rawseti(L, -2, ++n);
	}
	return 1;
}

static int
load(lua_State *L)
{
	enum embedded_kind kind = check_kind(L, 1);
	const char *name = luaL_checkstring(L, 2);
	const struct embedded *file = embedded_find(kind, name);

	luaL_argcheck(L, kind != EMBEDDED_ANCHOR, 1, "an anchor is not a chunk");
	luaL_argcheck(L, kind != EMBEDDED_TEXT, 1, "a text is not a chunk");
	lua_settop(L, 3);
	if (!file)
		return bind_fail(L, "local.file", "no built-in %s '%s'", kind_names[kind], name);
	if (embedded_load(L, file) != LUA_OK)
		return bind_fail(L, "local.file", "built-in %s '%s': %s", kind_names[kind], name, lua_tostring(L, -1));
	if (!lua_isnil(L, 3)) {
		lua_pushvalue(L, 3);
		lua_setupvalue(L, -2, 1); /* a main chunk's first upvalue is _ENV */
	}
	return 1;
}

static int
text(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	const struct embedded *file = embedded_find(EMBEDDED_TEXT, name);

	if (!file)
		return bind_fail(L, "local.file", "no built-in text '%s'", name);
	embedded_push(L, file);
	return 1;
}

static int
anchors(lua_State *L)
{
	lua_Integer n = 0;

	lua_newtable(L);
	for (size_t i = 0; i < embedded_count; i++) {
		const struct embedded *file = &embedded_files[i];

		if (file->kind != EMBEDDED_ANCHOR)
			continue;
		lua_createtable(L, 0, 2);
		lua_pushstring(L, file->name);
		lua_setfield(L, -2, "name");
		embedded_push(L, file);
		lua_setfield(L, -2, "text");
		lua_rawseti(L, -2, ++n);
	}
	return 1;
}

static const luaL_Reg library[] = {
	{ "names", names }, { "load", load }, { "text", text }, { "anchors", anchors }, { NULL, NULL },
};

int
luaopen_kedge_core_embedded(lua_State *L)
{
	luaL_newlib(L, library);
	lua_pushinteger(L, (lua_Integer)embedded_build_time);
	lua_setfield(L, -2, "build_time");
	lua_pushliteral(L, KEDGE_VERSION);
	lua_setfield(L, -2, "version");
	lua_pushliteral(L, KEDGE_PREFIX);
	lua_setfield(L, -2, "prefix");
	return 1;
}
