#include "bind.h"

#include <stdarg.h>
#include <string.h>

int
bind_fail(lua_State *L, const char *code, const char *format, ...)
{
	va_list arguments;

	lua_pushnil(L);
	va_start(arguments, format);
	lua_pushvfstring(L, format, arguments);
	va_end(arguments);
	lua_pushstring(L, code);
	return 3;
}

int
bind_fail_errno(lua_State *L, const char *code, const char *what, int error)
{
	if (what)
		return bind_fail(L, code, "%s: %s", what, strerror(error));
	return bind_fail(L, code, "%s", strerror(error));
}

void
bind_class(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *metamethods)
{
	luaL_newmetatable(L, name);
	if (metamethods)
		luaL_setfuncs(L, metamethods, 0);
	if (methods) {
		lua_newtable(L);
		luaL_setfuncs(L, methods, 0);
		lua_setfield(L, -2, "__index");
	}
	lua_pop(L, 1);
}
