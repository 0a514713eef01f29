/* kedge.core.loop: timers, conditions of Lua's own, clocks and signals. */
#include <math.h>
#include <string.h>

#include "loop_inside.h"
#include "watch.h"

#define TIMER "kedge.timer"
#define CONDITION "kedge.condition"

struct timer {
	ev_timer watcher;
	struct bind_state *state;
	int function; /* registry reference, LUA_NOREF once fired or closed */
};

/* Waiting for time. */

static int
sleep_k(lua_State *L, int status, lua_KContext context)
{
	(void)status;
	(void)context;
	if (bind_timed_out(L))
		return 0;
	return bind_wait(L, lua_touserdata(L, 2), -1, 0, sleep_k);
}

/* loop.sleep(seconds): suspends the routine; 0 lets the loop turn once. */
static int
loop_sleep(lua_State *L)
{
	double seconds = luaL_checknumber(L, 1);

	luaL_argcheck(L, isfinite(seconds) && seconds >= 0, 1, "seconds from 0");
	lua_settop(L, 1);
	memset(lua_newuserdatauv(L, sizeof(struct bind_condition), 0), 0, sizeof(struct bind_condition));
	return bind_wait(L, lua_touserdata(L, 2), seconds, 0, sleep_k);
}

static int
breathe_k(lua_State *L, int status, lua_KContext context)
{
	(void)L;
	(void)status;
	(void)context;
	return 0;
}

/* loop.breathe(): lets the loop turn and everything else that is ready run. */
static int
loop_breathe(lua_State *L)
{
	struct bind_condition here = { NULL, NULL };
	struct bind_routine *routine = loop_routine(L);

	if (!routine || !lua_isyieldable(L))
		return bind_wait(L, &here, -1, 0, breathe_k); /* raises */
	loop_ready(routine);
	return lua_yieldk(L, 0, 0, breathe_k);
}

static void
on_timer(struct ev_loop *ev, ev_timer *watcher, int events)
{
	struct timer *timer = watcher->data;
	lua_State *L = timer->state->main;
	int function = timer->function;

	(void)ev;
	(void)events;
	timer->function = LUA_NOREF;
	lua_rawgeti(L, LUA_REGISTRYINDEX, function);
	luaL_unref(L, LUA_REGISTRYINDEX, function);
	loop_call(L, 0);
}

/* loop.after(seconds, fn) -> timer: calls fn from the loop, where it must not
 * wait; timer:close() forgets it. */
static int
loop_after(lua_State *L)
{
	struct bind_state *state = loop_state(L);
	double seconds = luaL_checknumber(L, 1);
	struct timer *timer;

	luaL_checktype(L, 2, LUA_TFUNCTION);
	luaL_argcheck(L, isfinite(seconds) && seconds >= 0, 1, "seconds from 0");
	timer = lua_newuserdatauv(L, sizeof *timer, 0);
	*timer = (struct timer){ .state = state, .function = LUA_NOREF };
	luaL_setmetatable(L, TIMER);
	lua_pushvalue(L, 2);
	timer->function = luaL_ref(L, LUA_REGISTRYINDEX);
	ev_now_update(state->loop.ev);
	ev_timer_init(&timer->watcher, on_timer, seconds, 0.);
	timer->watcher.data = timer;
	ev_timer_start(state->loop.ev, &timer->watcher);
	return 1;
}

static int
timer_close(lua_State *L)
{
	struct timer *timer = luaL_checkudata(L, 1, TIMER);

	if (timer->function != LUA_NOREF) {
		ev_timer_stop(timer->state->loop.ev, &timer->watcher);
		luaL_unref(L, LUA_REGISTRYINDEX, timer->function);
		timer->function = LUA_NOREF;
	}
	return 0;
}

/* Conditions of Lua's own. */

static int
loop_condition(lua_State *L)
{
	struct bind_condition *condition = lua_newuserdatauv(L, sizeof *condition, 0);

	memset(condition, 0, sizeof *condition);
	luaL_setmetatable(L, CONDITION);
	return 1;
}

static int
condition_wait_k(lua_State *L, int status, lua_KContext context)
{
	(void)status;
	(void)context;
	lua_pushboolean(L, !bind_timed_out(L));
	return 1;
}

/* condition:wait([seconds]) -> true when woken, false when the time is over. */
static int
condition_wait(lua_State *L)
{
	struct bind_condition *condition = luaL_checkudata(L, 1, CONDITION);
	double seconds = luaL_optnumber(L, 2, -1);

	luaL_argcheck(L, isfinite(seconds), 2, "not a number of seconds");
	return bind_wait(L, condition, seconds, 0, condition_wait_k);
}

/* condition:wake(): every waiter goes on. */
static int
condition_wake(lua_State *L)
{
	bind_wake(luaL_checkudata(L, 1, CONDITION));
	return 0;
}

/* Clocks and signals. */

/* loop.now() -> seconds of a clock that never jumps */
static int
loop_now_(lua_State *L)
{
	lua_pushnumber(L, loop_now());
	return 1;
}

/* loop.time() -> the device's clock, whole seconds since 1970 */
static int
loop_time_(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)loop_time());
	return 1;
}

static void
on_signal(int number, void *context)
{
	struct bind_state *state = context;

	lua_rawgeti(state->main, LUA_REGISTRYINDEX, state->signal_function);
	lua_pushinteger(state->main, number);
	loop_call(state->main, 1);
}

/* loop.on_signal(fn): the first SIGINT or SIGTERM calls fn(number) from the
 * loop, where it must not wait; a second one ends the process at once. */
static int
loop_on_signal(lua_State *L)
{
	struct bind_state *state = loop_state(L);
	const struct loop_handlers handlers = { .at_first = watch_signal, .at_once = bind_at_once };
	int error;

	luaL_checktype(L, 1, LUA_TFUNCTION);
	luaL_unref(L, LUA_REGISTRYINDEX, state->signal_function);
	lua_settop(L, 1);
	state->signal_function = luaL_ref(L, LUA_REGISTRYINDEX);
	error = loop_catch(&state->loop, on_signal, state, &handlers);
	return error ? bind_fail_errno(L, "local.limit", "signals", error) : 0;
}

/* loop.forget_signal(): the next one is a first one again. */
static int
loop_forget_signal_(lua_State *L)
{
	(void)L;
	watch_forget();
	loop_forget_signal();
	return 0;
}

/* loop.die(number): ends the process by this signal. */
static int
loop_die_(lua_State *L)
{
	loop_die((int)luaL_checkinteger(L, 1));
	return 0;
}

static const luaL_Reg time_functions[] = {
	{ "sleep", loop_sleep }, { "breathe", loop_breathe }, { "after", loop_after }, { "condition", loop_condition },
	{ "now", loop_now_ }, { "time", loop_time_ }, { "on_signal", loop_on_signal }, { "die", loop_die_ },
	{ "forget_signal", loop_forget_signal_ },
	{ NULL, NULL },
};
static const luaL_Reg timer_methods[] = { { "close", timer_close }, { NULL, NULL } };
static const luaL_Reg timer_metamethods[] = { { "__gc", timer_close }, { "__close", timer_close }, { NULL, NULL } };
static const luaL_Reg condition_methods[] = { { "wait", condition_wait }, { "wake", condition_wake }, { NULL, NULL } };

void
loop_open_time(lua_State *L)
{
	bind_class(L, TIMER, timer_methods, timer_metamethods);
	bind_class(L, CONDITION, condition_methods, NULL);
	luaL_setfuncs(L, time_functions, 0);
}
