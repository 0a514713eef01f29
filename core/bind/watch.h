/*
 * A function of a script that never waits keeps the loop from turning, and a
 * signal from being heard. So the handler sets a hook on the coroutine that is
 * at work: after a while in which the loop did not turn, the hook raises an
 * error in that function, if it is of a script's author and not kedge's own.
 */
#ifndef KEDGE_BIND_WATCH_H
#define KEDGE_BIND_WATCH_H

#include <lua.h>

/* `L` is at work from now on; NULL: no coroutine is. */
void watch_enter(lua_State *L);

/* The first signal came. Async-signal-safe. */
void watch_signal(void);

/* The signal was dealt with: nothing is interrupted any more. */
void watch_forget(void);

#endif
