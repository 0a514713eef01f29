/*
 * kedge.core.loop: coroutines that wait. A routine is a coroutine started
 * here; only this file resumes one. What a routine waits for is a condition
 * (bind.h); tasks, ownership and deadlines are built on this by lua/task.lua.
 */
#include "loop_inside.h"

#include <stdlib.h>
#include <string.h>

#include "watch.h"

#define ROUTINE "kedge.routine"
#define STATE "kedge.loop"

enum { THREAD_VALUE = 1, OWNER_VALUE = 2, END_VALUE = 3, ROUTINE_VALUES = 3 };

void (*bind_at_once)(void);

struct bind_state *
loop_state(lua_State *L)
{
	struct bind_state *state;

	if (lua_getfield(L, LUA_REGISTRYINDEX, STATE) != LUA_TUSERDATA)
		luaL_error(L, "kedge.core.loop was not opened");
	state = lua_touserdata(L, -1);
	lua_pop(L, 1);
	return state;
}

struct loop *
bind_loop(lua_State *L)
{
	return &loop_state(L)->loop;
}

/* Queues. */

static void
queue_append(struct bind_condition *queue, struct bind_routine *routine)
{
	routine->queue = queue;
	routine->next = NULL;
	routine->previous = queue->last;
	if (queue->last)
		queue->last->next = routine;
	else
		queue->first = routine;
	queue->last = routine;
}

static void
queue_remove(struct bind_routine *routine)
{
	struct bind_condition *queue = routine->queue;

	if (!queue)
		return;
	if (routine->previous)
		routine->previous->next = routine->next;
	else
		queue->first = routine->next;
	if (routine->next)
		routine->next->previous = routine->previous;
	else
		queue->last = routine->previous;
	routine->queue = NULL;
	routine->next = routine->previous = NULL;
}

static void
append_ready(struct bind_routine *routine)
{
	routine->phase = ROUTINE_READY;
	routine->turn = routine->state->turn;
	queue_append(&routine->state->ready, routine);
}

void
loop_ready(struct bind_routine *routine)
{
	queue_remove(routine);
	ev_timer_stop(routine->state->loop.ev, &routine->timer);
	append_ready(routine);
}

void
bind_wake(struct bind_condition *condition)
{
	while (condition->first)
		loop_ready(condition->first);
}

static void
on_routine_timer(struct ev_loop *ev, ev_timer *watcher, int events)
{
	struct bind_routine *routine = watcher->data;

	(void)ev;
	(void)events;
	routine->timed_out = true;
	loop_ready(routine);
}

struct bind_routine *
loop_routine(lua_State *L)
{
	struct bind_routine *running = loop_state(L)->running;

	return running && running->thread == L ? running : NULL;
}

int
bind_wait(lua_State *L, struct bind_condition *condition, double seconds, lua_KContext context, lua_KFunction k)
{
	struct bind_routine *routine = loop_routine(L);

	if (!routine)
		return bind_misuse(L, "cannot wait here: not in a coroutine that kedge started"
				      " (coroutine.wrap and coroutine.create cannot wait)");
	if (!lua_isyieldable(L))
		return bind_misuse(L, "cannot wait here: not inside sort, gsub, a metamethod or require");
	routine->phase = ROUTINE_WAITING;
	routine->timed_out = false;
	queue_append(condition, routine);
	if (seconds >= 0) {
		ev_now_update(routine->state->loop.ev);
		ev_timer_set(&routine->timer, seconds, 0.);
		ev_timer_start(routine->state->loop.ev, &routine->timer);
	}
	return lua_yieldk(L, 0, context, k);
}

/* The routine at this address, if it is that one still. */
static bool
lives(lua_State *L, const struct bind_holder *holder)
{
	const struct bind_routine *routine;

	lua_rawgeti(L, LUA_REGISTRYINDEX, loop_state(L)->anchors);
	lua_rawgetp(L, -1, holder->routine);
	routine = lua_touserdata(L, -1);
	lua_pop(L, 2);
	return routine && routine->serial == holder->serial;
}

bool
bind_hold(lua_State *L, struct bind_holder *holder)
{
	const struct bind_routine *routine = loop_routine(L);

	if (holder->routine && holder->routine != routine && lives(L, holder))
		return false;
	holder->routine = lua_isyieldable(L) ? routine : NULL; /* who can't wait is done when the call is */
	holder->serial = routine ? routine->serial : 0;
	return true;
}

bool
bind_can_wait(lua_State *L)
{
	bool is_open = lua_getfield(L, LUA_REGISTRYINDEX, STATE) == LUA_TUSERDATA;

	lua_pop(L, 1);
	return is_open && lua_isyieldable(L) && loop_routine(L);
}

bool
bind_timed_out(lua_State *L)
{
	struct bind_routine *routine = loop_routine(L);

	return routine && routine->timed_out;
}

/* The life of a routine. */

/* Forgets the routine; its userdata may be collected from now on. */
static void
routine_release(struct bind_routine *routine)
{
	lua_State *L = routine->state->main;

	queue_remove(routine);
	ev_timer_stop(routine->state->loop.ev, &routine->timer);
	routine->phase = ROUTINE_ENDED;
	lua_rawgeti(L, LUA_REGISTRYINDEX, routine->state->anchors);
	lua_pushnil(L);
	lua_rawsetp(L, -2, routine);
	lua_pop(L, 1);
}

/* Closes a suspended routine's to-be-closed variables and forgets it. An error
 * in one of these has nobody to go to: its task has ended already. */
static void
routine_kill(struct bind_routine *routine)
{
	if (routine->phase == ROUTINE_ENDED)
		return;
	queue_remove(routine);
	ev_timer_stop(routine->state->loop.ev, &routine->timer);
	routine->phase = ROUTINE_ENDED;
	lua_resetthread(routine->thread);
	lua_settop(routine->thread, 0);
	routine_release(routine);
}

void
loop_call(lua_State *L, int arguments)
{
	if (lua_pcall(L, arguments, 0, 0) == LUA_OK)
		return;
	lua_writestringerror("kedge: %s\n", luaL_tolstring(L, -1, NULL));
	abort();
}

/* Tells whoever started the routine: on_end(true, results...) or on_end(false, error, traceback). */
static void
routine_ended(struct bind_routine *routine, int status, int results)
{
	lua_State *L = routine->state->main;
	lua_State *thread = routine->thread;
	int arguments;

	lua_rawgeti(L, LUA_REGISTRYINDEX, routine->state->anchors);
	lua_rawgetp(L, -1, routine);
	lua_remove(L, -2);
	lua_getiuservalue(L, -1, END_VALUE);
	lua_pushboolean(L, status == LUA_OK);
	if (status == LUA_OK) {
		luaL_checkstack(L, results, "too many results");
		lua_xmove(thread, L, results);
		arguments = results + 1;
	} else {
		luaL_traceback(L, thread, NULL, 0);
		lua_pushvalue(thread, -1); /* resetthread gives the original to the <close> variables */
		lua_xmove(thread, L, 1);
		lua_insert(L, -2);
		arguments = 3;
		lua_resetthread(thread);
	}
	routine_release(routine);
	loop_call(L, arguments);
	lua_pop(L, 1);
}

static void
routine_resume(struct bind_routine *routine)
{
	struct bind_state *state = routine->state;
	int arguments = routine->arguments, results = 0, status;

	queue_remove(routine);
	routine->arguments = 0;
	routine->phase = ROUTINE_RUNNING;
	state->running = routine;
	watch_enter(routine->thread);
	status = lua_resume(routine->thread, state->main, arguments, &results);
	watch_enter(NULL);
	state->running = NULL;
	if (status != LUA_YIELD) {
		routine_ended(routine, status, results);
		return;
	}
	lua_pop(routine->thread, results);
	if (routine->doomed) {
		routine_kill(routine);
	} else if (routine->phase == ROUTINE_RUNNING) { /* coroutine.yield of the script's own */
		append_ready(routine);
	}
}

/* Runs what is ready now; what becomes ready meanwhile waits for the loop's next
 * turn. No routine is remembered here: each may be killed and collected by another. */
static void
run_ready(struct bind_state *state)
{
	state->turn++;
	while (state->ready.first && state->ready.first->turn != state->turn && !state->finished)
		routine_resume(state->ready.first);
}

static int
on_main_end(lua_State *L)
{
	struct bind_state *state = lua_touserdata(L, lua_upvalueindex(1));

	state->finished = true;
	lua_createtable(L, lua_gettop(L), 1);
	lua_insert(L, 1);
	for (int i = lua_gettop(L) - 1; i >= 1; i--)
		lua_rawseti(L, 1, i);
	lua_rawsetp(L, LUA_REGISTRYINDEX, state);
	return 0;
}

/* Makes a routine of the function and arguments on top of L's stack (function
 * at `function`); pushes it. */
static struct bind_routine *
routine_new(lua_State *L, int function, int arguments)
{
	struct bind_state *state = loop_state(L);
	struct bind_routine *routine = lua_newuserdatauv(L, sizeof *routine, ROUTINE_VALUES);

	memset(routine, 0, sizeof *routine);
	routine->state = state;
	routine->serial = ++state->serials;
	routine->arguments = arguments;
	ev_timer_init(&routine->timer, on_routine_timer, 0., 0.);
	routine->timer.data = routine;
	luaL_setmetatable(L, ROUTINE);
	routine->thread = lua_newthread(L);
	lua_setiuservalue(L, -2, THREAD_VALUE);
	luaL_checkstack(routine->thread, arguments + 1, "too many arguments");
	for (int i = 0; i <= arguments; i++) {
		lua_pushvalue(L, function + i);
		lua_xmove(L, routine->thread, 1);
	}
	lua_rawgeti(L, LUA_REGISTRYINDEX, state->anchors);
	lua_pushvalue(L, -2);
	lua_rawsetp(L, -2, routine);
	lua_pop(L, 1);
	append_ready(routine);
	return routine;
}

/* loop.spawn(owner, on_end, fn, ...) -> routine. fn(...) runs at the loop's
 * next turn. on_end(true, results...) or on_end(false, error, traceback) is
 * called when it has ended by itself; not after kill. */
static int
loop_spawn(lua_State *L)
{
	luaL_checktype(L, 2, LUA_TFUNCTION);
	luaL_checktype(L, 3, LUA_TFUNCTION);
	routine_new(L, 3, lua_gettop(L) - 3);
	lua_pushvalue(L, 1);
	lua_setiuservalue(L, -2, OWNER_VALUE);
	lua_pushvalue(L, 2);
	lua_setiuservalue(L, -2, END_VALUE);
	return 1;
}

/* loop.kill(routine): closes its variables and forgets it; the running one is
 * closed as soon as it waits. Nothing for one that has ended. */
static int
loop_kill(lua_State *L)
{
	struct bind_routine *routine = luaL_checkudata(L, 1, ROUTINE);

	if (routine == routine->state->running)
		routine->doomed = true;
	else
		routine_kill(routine);
	return 0;
}

/* loop.owner() -> the owner that the running routine was spawned with, or nil;
 * second result: true where the caller is that routine itself and not a
 * coroutine of the script's own. */
static int
loop_owner(lua_State *L)
{
	struct bind_state *state = loop_state(L);

	if (!state->running)
		return 0;
	lua_rawgeti(L, LUA_REGISTRYINDEX, state->anchors);
	lua_rawgetp(L, -1, state->running);
	lua_getiuservalue(L, -1, OWNER_VALUE);
	lua_pushboolean(L, state->running->thread == L);
	return 2;
}

/* loop.run(fn, owner) -> true, results... | false, error, traceback. Turns
 * until fn, a routine, has ended. */
static int
loop_run(lua_State *L)
{
	struct bind_state *state = loop_state(L);

	luaL_checktype(L, 1, LUA_TFUNCTION);
	if (state->turning)
		return luaL_error(L, "the loop runs already");
	lua_settop(L, 2);
	state->main = L;
	state->finished = false;
	routine_new(L, 1, 0);
	lua_pushvalue(L, 2);
	lua_setiuservalue(L, -2, OWNER_VALUE);
	lua_pushlightuserdata(L, state);
	lua_pushcclosure(L, on_main_end, 1);
	lua_setiuservalue(L, -2, END_VALUE);
	lua_pop(L, 1);
	state->turning = true;
	for (;;) {
		run_ready(state);
		if (state->finished)
			break;
		if (!loop_turn(&state->loop, !state->ready.first) && !state->ready.first) {
			state->turning = false;
			return luaL_error(L, "everything waits and nothing can happen");
		}
	}
	state->turning = false;
	lua_rawgetp(L, LUA_REGISTRYINDEX, state);
	lua_pushnil(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, state);
	int count = (int)lua_rawlen(L, -1), table = lua_gettop(L);
	if (lua_rawgeti(L, table, 1), !lua_toboolean(L, -1))
		count = 3;
	lua_pop(L, 1);
	luaL_checkstack(L, count, "too many results");
	for (int i = 1; i <= count; i++)
		lua_rawgeti(L, table, i);
	return count;
}

static int
state_close(lua_State *L)
{
	loop_close(&((struct bind_state *)lua_touserdata(L, 1))->loop);
	return 0;
}

static const luaL_Reg loop_functions[] = {
	{ "run", loop_run }, { "spawn", loop_spawn }, { "kill", loop_kill }, { "owner", loop_owner }, { NULL, NULL },
};
static const luaL_Reg state_metamethods[] = { { "__gc", state_close }, { NULL, NULL } };

int luaopen_kedge_core_loop(lua_State *L);

int
luaopen_kedge_core_loop(lua_State *L)
{
	struct bind_state *state = lua_newuserdatauv(L, sizeof *state, 0);
	int error;

	*state = (struct bind_state){ .signal_function = LUA_NOREF };
	error = loop_open(&state->loop);
	if (error)
		return luaL_error(L, "the event loop cannot be made: %s", strerror(error));
	bind_class(L, "kedge.loop.state", NULL, state_metamethods);
	luaL_setmetatable(L, "kedge.loop.state");
	lua_setfield(L, LUA_REGISTRYINDEX, STATE);
	lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
	state->main = lua_tothread(L, -1);
	lua_pop(L, 1);
	lua_newtable(L);
	state->anchors = luaL_ref(L, LUA_REGISTRYINDEX);
	bind_class(L, ROUTINE, NULL, NULL);
	luaL_newlib(L, loop_functions);
	loop_open_time(L);
	return 1;
}
