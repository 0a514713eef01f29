/*
 * build/plain/kedge-lua FILE [ARG]...: runs a Lua file with all of Lua's
 * libraries and kedge's modules, for specs and tools of the tests. Modules of
 * kedge come from the source tree (the current folder, lua/) if they are
 * there, so that a failure shows its line; else from the binary.
 */
#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/bind/bind.h"
#include "core/bind/modules.h"
#include "core/file.h"

/* Puts kedge's searchers before Lua's own. */
static const char set_searchers[] =
	"local search = ...\n"
	"local function tree(name)\n"
	"  local path = name == 'kedge' and 'kedge' or name:match('^kedge%.(.+)')\n"
	"  if not path then return nil end\n"
	"  path = 'lua/' .. path:gsub('%.', '/') .. '.lua'\n"
	"  local chunk, message = loadfile(path, 't')\n"
	"  if chunk then return chunk, path end\n"
	"  local file = io.open(path)\n"
	"  if file then file:close(); error(message) end\n"
	"  return 'no file ' .. path\n"
	"end\n"
	"table.insert(package.searchers, 2, search)\n"
	"table.insert(package.searchers, 2, tree)\n";

static int
add_traceback(lua_State *L)
{
	luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
	return 1;
}

static void
set_arguments(lua_State *L, int argc, char **argv)
{
	lua_newtable(L);
	for (int i = 0; i < argc; i++) {
		lua_pushstring(L, argv[i]);
		lua_rawseti(L, -2, i - 1);
	}
	lua_setglobal(L, "arg");
}

static int
run(lua_State *L)
{
	int argc = (int)lua_tointeger(L, 1);
	char **argv = lua_touserdata(L, 2);

	luaL_openlibs(L);
	if (luaL_loadstring(L, set_searchers) != LUA_OK)
		return lua_error(L);
	lua_pushcfunction(L, modules_search);
	lua_call(L, 1, 0);
	set_arguments(L, argc, argv);
	if (luaL_loadfile(L, argv[1]) != LUA_OK)
		return lua_error(L);
	for (int i = 2; i < argc; i++)
		lua_pushstring(L, argv[i]);
	lua_call(L, argc - 2, 0);
	return 0;
}

int
main(int argc, char **argv)
{
	lua_State *L;
	int status;

	if (argc < 2) {
		fprintf(stderr, "usage: kedge-lua FILE [ARG]...\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	bind_at_once = file_unlink_unfinished;
	L = luaL_newstate();
	if (!L)
		return 1;
	lua_pushcfunction(L, add_traceback);
	lua_pushcfunction(L, run);
	lua_pushinteger(L, argc);
	lua_pushlightuserdata(L, argv);
	status = lua_pcall(L, 2, 0, 1);
	if (status != LUA_OK)
		fprintf(stderr, "kedge-lua: %s\n", lua_tostring(L, -1));
	lua_close(L);
	return status == LUA_OK ? 0 : 1;
}
