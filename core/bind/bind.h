/*
 * What every binding shares: how a failure is given back, and the one way to
 * wait. A coroutine that kedge started (a routine) may suspend itself on a
 * condition; whoever changes what the condition is about wakes it, the loop
 * resumes the waiters, and each looks again for itself.
 */
#ifndef KEDGE_BIND_H
#define KEDGE_BIND_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#include "../loop.h"

struct bind_routine;

/* Embedded in a handle; all zero is a condition without waiters. */
struct bind_condition {
	struct bind_routine *first, *last;
};

/* Pushes nil, the formatted message and code; returns 3. Formats as lua_pushfstring. */
int bind_fail(lua_State *L, const char *code, const char *format, ...);

/* As bind_fail, with "what: strerror(error)" (or without "what: " where it is NULL). */
int bind_fail_errno(lua_State *L, const char *code, const char *what, int error);

/* Raises as luaL_error, with the place in the nearest file whose lines are known: a script's, where kedge's own are stripped. */
int bind_misuse(lua_State *L, const char *format, ...);

/* Makes the metatable `name` with these methods and metamethods (either may be NULL); leaves nothing. */
void bind_class(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *metamethods);

/* Suspends the running routine until `condition` is woken, then calls k(L,
 * LUA_YIELD, context) with the stack as it was. Raises where waiting is
 * impossible. With seconds >= 0 the routine is woken after that time at the
 * latest, and bind_timed_out tells. Return what it returns. */
int bind_wait(lua_State *L, struct bind_condition *condition, double seconds, lua_KContext context, lua_KFunction k);

/* True where bind_wait works: in a routine, and not inside a C function that calls Lua. */
bool bind_can_wait(lua_State *L);

/* True in k when the wait that just ended did so by its time. */
bool bind_timed_out(lua_State *L);

/* Who has what only one routine may have at a time; all zero is nobody. */
struct bind_holder {
	const struct bind_routine *routine;
	unsigned long serial;
};

/* Makes the running routine the holder; false while another one is that has not ended. */
bool bind_hold(lua_State *L, struct bind_holder *holder);

/* Makes every waiter runnable; it runs from the loop, never from here. */
void bind_wake(struct bind_condition *condition);

/* The loop of this Lua state. Raises before kedge.core.loop was opened. */
struct loop *bind_loop(lua_State *L);

/* Called by a second SIGINT or SIGTERM, async-signal-safe; set by main.c before the loop is opened. */
extern void (*bind_at_once)(void);

#endif
