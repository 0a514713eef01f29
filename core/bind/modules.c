/*
 * The list of what is compiled in, and kedge's own `require`. Lua's loadlib is
 * left out: its default path holds ./?.lua and ./?.so, and a static binary has
 * no dlopen.
 */
#include "modules.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "embedded.h"

static const luaL_Reg bindings[] = {
	{ "kedge.core.admit", luaopen_kedge_core_admit },
	{ "kedge.core.call", luaopen_kedge_core_call },
	{ "kedge.core.change", luaopen_kedge_core_change },
	{ "kedge.core.embedded", luaopen_kedge_core_embedded },
	{ "kedge.core.file", luaopen_kedge_core_file },
	{ "kedge.core.lock", luaopen_kedge_core_lock },
	{ "kedge.core.loop", luaopen_kedge_core_loop },
	{ "kedge.core.net", luaopen_kedge_core_net },
	{ "kedge.core.process", luaopen_kedge_core_process },
	{ "kedge.core.prompt", luaopen_kedge_core_prompt },
	{ "kedge.core.resolver", luaopen_kedge_core_resolver },
	{ "kedge.core.store", luaopen_kedge_core_store },
	{ "kedge.core.tree", luaopen_kedge_core_tree },
	{ "kedge.core.watch", luaopen_kedge_core_watch },
	{ "kedge.core.x509", luaopen_kedge_core_x509 },
};

static const luaL_Reg libraries[] = {
	{ LUA_GNAME, luaopen_base },
	{ LUA_COLIBNAME, luaopen_coroutine },
	{ LUA_TABLIBNAME, luaopen_table },
	{ LUA_IOLIBNAME, luaopen_io },
	{ LUA_OSLIBNAME, luaopen_os },
	{ LUA_STRLIBNAME, luaopen_string },
	{ LUA_MATHLIBNAME, luaopen_math },
	{ LUA_UTF8LIBNAME, luaopen_utf8 },
	{ LUA_DBLIBNAME, luaopen_debug },
};

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define FORMATS "kedge.formats."

static lua_CFunction
find_binding(const char *name)
{
	for (size_t i = 0; i < LENGTH(bindings); i++) {
		if (strcmp(bindings[i].name, name) == 0)
			return bindings[i].func;
	}
	return NULL;
}

static const struct embedded *
find_embedded(const char *name)
{
	if (strncmp(name, FORMATS, strlen(FORMATS)) == 0)
		return embedded_find(EMBEDDED_FORMAT, name + strlen(FORMATS));
	return embedded_find(EMBEDDED_MODULE, name);
}

int
modules_search(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	lua_CFunction open = find_binding(name);
	const struct embedded *file = find_embedded(name);

	if (open) {
		lua_pushcfunction(L, open);
		lua_pushliteral(L, ":core:");
		return 2;
	}
	if (!file) {
		lua_pushfstring(L, "no built-in module '%s'", name);
		return 1;
	}
	if (embedded_load(L, file) != LUA_OK)
		return luaL_error(L, "built-in module '%s': %s", name, lua_tostring(L, -1));
	lua_pushstring(L, file->chunk_name);
	return 2;
}

static int
search_preload(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);

	lua_getfield(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
	if (lua_getfield(L, -1, name) == LUA_TNIL) {
		lua_pushfstring(L, "no package.preload['%s']", name);
		return 1;
	}
	lua_pushliteral(L, ":preload:");
	return 2;
}

/* Leaves loader and its extra value on the stack, or raises. */
static void
find_loader(lua_State *L, const char *name)
{
	luaL_Buffer tried;

	if (lua_getfield(L, lua_upvalueindex(1), "searchers") != LUA_TTABLE)
		luaL_error(L, "'package.searchers' must be a table");
	luaL_buffinit(L, &tried);
	for (lua_Integer i = 1;; i++) {
		if (lua_rawgeti(L, 3, i) == LUA_TNIL) {
			lua_pop(L, 1);
			luaL_pushresult(&tried);
			luaL_error(L, "module '%s' not found:%s", name, lua_tostring(L, -1));
		}
		lua_pushstring(L, name);
		lua_call(L, 1, 2);
		if (lua_isfunction(L, -2))
			return;
		lua_pop(L, 1);
		if (lua_isstring(L, -1)) {
			luaL_addstring(&tried, "\n\t");
			luaL_addvalue(&tried);
		} else {
			lua_pop(L, 1);
		}
	}
}

/* As Lua's own: loaded, else the first searcher's loader, called with name and extra. */
static int
require(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);

	lua_settop(L, 1);
	lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	if (lua_getfield(L, 2, name), lua_toboolean(L, -1))
		return 1;
	lua_pop(L, 1);
	find_loader(L, name);
	lua_insert(L, -2);    /* extra, loader */
	lua_pushvalue(L, 1);  /* extra, loader, name */
	lua_pushvalue(L, -3); /* extra, loader, name, extra */
	lua_call(L, 2, 1);    /* extra, result */
	if (!lua_isnil(L, -1))
		lua_setfield(L, 2, name);
	else
		lua_pop(L, 1);
	if (lua_getfield(L, 2, name) == LUA_TNIL) { /* the module set nothing itself */
		lua_pushboolean(L, 1);
		lua_copy(L, -1, -2);
		lua_setfield(L, 2, name);
	}
	lua_pushvalue(L, -2);
	return 2;
}

static void
open_package(lua_State *L)
{
	static const lua_CFunction searchers[] = { search_preload, modules_search };

	lua_newtable(L);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_setfield(L, -2, "loaded");
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
	lua_setfield(L, -2, "preload");
	lua_pushliteral(L, "");
	lua_setfield(L, -2, "path");
	lua_pushliteral(L, "");
	lua_setfield(L, -2, "cpath");
	lua_createtable(L, LENGTH(searchers), 0);
	for (size_t i = 0; i < LENGTH(searchers); i++) {
		lua_pushcfunction(L, searchers[i]);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	lua_setfield(L, -2, "searchers");
	lua_pushvalue(L, -1);
	lua_pushcclosure(L, require, 1);
	lua_setglobal(L, "require");
	lua_setglobal(L, "package");
}

void
modules_open(lua_State *L)
{
	for (size_t i = 0; i < LENGTH(libraries); i++) {
		luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
		lua_pop(L, 1);
	}
	open_package(L);
}
