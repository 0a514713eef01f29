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

/* As luaL_where, for the nearest function with known lines. */
static void
push_place(lua_State *L)
{
	lua_Debug at;

	for (int level = 1; lua_getstack(L, level, &at); level++) {
		lua_getinfo(L, "Sl", &at);
		if (at.currentline > 0) {
			lua_pushfstring(L, "%s:%d: ", at.short_src, at.currentline);
			return;
		}
	}
	lua_pushliteral(L, "");
}

int
bind_misuse(lua_State *L, const char *format, ...)
{
	va_list arguments;

	push_place(L);
	va_start(arguments, format);
	lua_pushvfstring(L, format, arguments);
	va_end(arguments);
	lua_concat(L, 2);
	return lua_error(L);
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
