/*
 * kedge.core.watch (watch.h)
 *
 *   own(chunk) -- functions of this chunk are a script's author's, and may be interrupted
 *   resume(coroutine, ...) -> as coroutine.resume, for the coroutines of scripts
 */
#include "watch.h"

#include <lauxlib.h>
#include <signal.h>
#include <stdbool.h>

#include "../loop.h"
#include "modules.h"

#define SOURCES "kedge.watch.sources"
#define PATIENCE 0.3 /* seconds without a turn of the loop */

enum { INSTRUCTIONS = 10000 }; /* between two looks at the clock */

static lua_State *volatile at_work;
static volatile sig_atomic_t is_asked;
static double patience_ends; /* 0: the stretch of work has not been looked at yet */
static bool was_caught;      /* an error was raised in this stretch already, and the work goes on */

static bool
is_authors(lua_State *L, const lua_Debug *at)
{
	bool found = false;

	if (lua_getfield(L, LUA_REGISTRYINDEX, SOURCES) == LUA_TTABLE) {
		found = lua_getfield(L, -1, at->source) != LUA_TNIL;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return found;
}

static void
on_count(lua_State *L, lua_Debug *at)
{
	double now = loop_now();

	if (!is_asked) {
		lua_sethook(L, NULL, 0, 0);
		return;
	}
	if (patience_ends == 0)
		patience_ends = now + PATIENCE;
	if (now < patience_ends)
		return;
	lua_getinfo(L, "Sl", at);
	if (!is_authors(L, at))
		return;
	/* Whoever catches the error may go on for a while; then each of the author's instructions fails. */
	if (was_caught)
		lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
	else
		patience_ends = 0;
	was_caught = true;
	lua_pushfstring(L, "%s:%d: interrupted here, after running without waiting (an endless loop?)", at->short_src,
			at->currentline);
	lua_error(L);
}

void
watch_enter(lua_State *L)
{
	at_work = L;
	patience_ends = 0;
	was_caught = false;
	if (is_asked && L)
		lua_sethook(L, on_count, LUA_MASKCOUNT, INSTRUCTIONS);
}

void
watch_signal(void)
{
	is_asked = 1;
	if (at_work)
		lua_sethook(at_work, on_count, LUA_MASKCOUNT, INSTRUCTIONS);
}

void
watch_forget(void)
{
	is_asked = 0;
}

static int
own(lua_State *L)
{
	lua_Debug chunk;

	luaL_checktype(L, 1, LUA_TFUNCTION);
	lua_settop(L, 1);
	lua_getinfo(L, ">S", &chunk);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, SOURCES);
	lua_pushboolean(L, true);
	lua_setfield(L, -2, chunk.source);
	return 0;
}

/* (coroutine, ...) -> true, results... | false, error. What a routine waits for isn't
 * possible in there, so nothing but the script's own yield suspends it. */
static int
resume(lua_State *L)
{
	lua_State *inner = lua_tothread(L, 1), *outer = at_work;
	int arguments = lua_gettop(L) - 1, results = 0, status;

	luaL_argexpected(L, inner, 1, "coroutine");
	if (inner == L || (lua_status(inner) == LUA_OK && lua_gettop(inner) == 0)) {
		lua_pushboolean(L, false);
		lua_pushfstring(L, "cannot resume %s coroutine", inner == L ? "non-suspended" : "dead");
		return 2;
	}
	if (!lua_checkstack(inner, arguments))
		return luaL_error(L, "too many arguments to resume");
	lua_xmove(L, inner, arguments);
	watch_enter(inner);
	status = lua_resume(inner, L, arguments, &results);
	watch_enter(outer);
	if (status != LUA_OK && status != LUA_YIELD)
		results = 1;
	if (!lua_checkstack(L, results + 1)) {
		lua_pop(inner, results);
		return luaL_error(L, "too many results to resume");
	}
	lua_pushboolean(L, status == LUA_OK || status == LUA_YIELD);
	lua_xmove(inner, L, results);
	return results + 1;
}

int
luaopen_kedge_core_watch(lua_State *L)
{
	static const luaL_Reg functions[] = { { "own", own }, { "resume", resume }, { NULL, NULL } };

	luaL_newlib(L, functions);
	return 1;
}
