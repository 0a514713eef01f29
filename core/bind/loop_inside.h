/* The loop's own state, shared by loop.c (routines) and loop_time.c (timers,
 * conditions of Lua's own, clocks, signals) and nobody else. */
#ifndef KEDGE_BIND_LOOP_INSIDE_H
#define KEDGE_BIND_LOOP_INSIDE_H

#include "bind.h"

enum routine_state { ROUTINE_READY, ROUTINE_RUNNING, ROUTINE_WAITING, ROUTINE_ENDED };

struct bind_state;

struct bind_routine {
	struct bind_routine *next, *previous; /* in the condition's or the ready queue */
	struct bind_condition *queue;
	struct bind_state *state;
	lua_State *thread;
	ev_timer timer;
	unsigned long serial; /* never used twice, as an address may be */
	int arguments; /* on the thread's stack, for the first resume */
	enum routine_state phase;
	unsigned turn; /* of the loop, when it became ready */
	bool timed_out, doomed;
};

struct bind_state {
	struct loop loop;
	lua_State *main;
	struct bind_condition ready;
	struct bind_routine *running;
	int signal_function, anchors; /* registry references */
	unsigned turn; /* counts run_ready */
	unsigned long serials; /* given to routines so far */
	bool finished, turning;
};

/* The state of kedge.core.loop; raises before it was opened. */
struct bind_state *loop_state(lua_State *L);

/* The routine that L is, or NULL: a coroutine of the script's own, or none. */
struct bind_routine *loop_routine(lua_State *L);

/* Makes a suspended routine runnable at the loop's next turn. */
void loop_ready(struct bind_routine *routine);

/* Calls the function below `arguments` values; an error there is a fault of kedge's own. */
void loop_call(lua_State *L, int arguments);

/* Adds the functions of loop_time.c to the library on top of the stack, and their classes. */
void loop_open_time(lua_State *L);

#endif
