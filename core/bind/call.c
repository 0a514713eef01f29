/*
 * kedge.core.call: frame(fn) -> a function that calls fn and gives what it gives.
 *
 * A script's `return kedge.check(...)` is a tail call: of a Lua function it
 * would leave no trace of the script, and no message could name its line. A C
 * function is called on top of the caller, whose line stays known.
 */
#include <lauxlib.h>
#include <lua.h>

#include "modules.h"

static int
results(lua_State *L, int status, lua_KContext context)
{
	(void)status;
	(void)context;
	return lua_gettop(L);
}

static int
call(lua_State *L)
{
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, results);
	return results(L, LUA_OK, 0);
}

static int
call_frame(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TFUNCTION);
	lua_settop(L, 1);
	lua_pushcclosure(L, call, 1);
	return 1;
}

int
luaopen_kedge_core_call(lua_State *L)
{
	static const luaL_Reg functions[] = { { "frame", call_frame }, { NULL, NULL } };

	luaL_newlib(L, functions);
	return 1;
}
