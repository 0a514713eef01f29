/*
 * kedge.core.process: another program, waited for in the loop (core/process.h)
 *
 *   run{ "program", "argument", ...,
 *        root=, cwd=            chroot and chdir before; the program is looked for behind them
 *        env={ NAME = "value" } instead of ours
 *        input=text             else /dev/null
 *        merge=true             errors go into the output
 *        keep={ lock, ... }     of kedge.core.lock, which the program inherits; all else is closed
 *        timeout=seconds        then SIGTERM, and SIGKILL, to its whole process group
 *        limit=bytes }          of an output that are kept, 64 KiB by default
 *     -> { status= or signal=, output=, errors=, truncated=, timed_out= } | nil, message, code
 *
 * The code is local.tool_missing where there is no such program that can be
 * run, local.permission where the root can't be entered, else local.tool_failed.
 * A routine that ends while it waits here takes the whole process group with it.
 */
#include "../process.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bind.h"
#include "lock.h"
#include "modules.h"

#define PROCESS "kedge.process"

/* The stack of run: what was asked for, the handle, the plan's strings, then what comes and goes. */
enum { PLAN = 1, HANDLE = 2, STRINGS = 3 };

struct run {
	struct process process;
	struct bind_condition ended;
};

static void
on_end(void *context)
{
	struct run *run = context;

	bind_wake(&run->ended);
}

static int
run_close(lua_State *L)
{
	struct run *run = luaL_checkudata(L, 1, PROCESS);

	process_close(&run->process);
	bind_wake(&run->ended);
	return 0;
}

/* The plan: strings are kept alive by the table at STRINGS, arrays are userdata there. */

static void
anchor(lua_State *L)
{
	lua_rawseti(L, STRINGS, (lua_Integer)lua_rawlen(L, STRINGS) + 1);
}

static void *
new_array(lua_State *L, size_t count, size_t size)
{
	void *array = lua_newuserdatauv(L, count * size, 0);

	memset(array, 0, count * size);
	anchor(L);
	return array;
}

/* The string on top of the stack, which goes to the anchors. */
static const char *
take_string(lua_State *L, const char *what)
{
	size_t length;
	const char *text = lua_tolstring(L, -1, &length);

	if (!text || strlen(text) != length)
		luaL_error(L, "%s: not a string without NUL", what);
	anchor(L);
	return text;
}

static const char *
string_field(lua_State *L, const char *name)
{
	if (lua_getfield(L, PLAN, name) != LUA_TNIL)
		return take_string(L, name);
	lua_pop(L, 1);
	return NULL;
}

static const char *const *
read_arguments(lua_State *L)
{
	size_t count = lua_rawlen(L, PLAN);
	const char **list = new_array(L, count + 1, sizeof *list);

	luaL_argcheck(L, count > 0, PLAN, "no program");
	for (size_t i = 0; i < count; i++) {
		lua_rawgeti(L, PLAN, (lua_Integer)i + 1);
		list[i] = take_string(L, "argument");
	}
	return list;
}

static size_t
count_fields(lua_State *L)
{
	size_t count = 0;

	for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
		count++;
	return count;
}

static const char *const *
read_environment(lua_State *L)
{
	const char **list;
	size_t count = 0;

	if (lua_getfield(L, PLAN, "env") == LUA_TNIL) {
		lua_pop(L, 1);
		return NULL;
	}
	luaL_checktype(L, -1, LUA_TTABLE);
	list = new_array(L, count_fields(L) + 1, sizeof *list);
	for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
		if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
			luaL_error(L, "env: names and values must be strings");
		lua_pushvalue(L, -2);
		lua_pushliteral(L, "=");
		lua_pushvalue(L, -3);
		lua_concat(L, 3);
		list[count++] = take_string(L, "env");
	}
	lua_pop(L, 1);
	return list;
}

static void
read_keep(lua_State *L, struct process_plan *plan)
{
	int *list;

	if (lua_getfield(L, PLAN, "keep") != LUA_TNIL) {
		luaL_checktype(L, -1, LUA_TTABLE);
		plan->keep_count = lua_rawlen(L, -1);
		list = new_array(L, plan->keep_count, sizeof *list);
		for (size_t i = 0; i < plan->keep_count; i++) {
			lua_rawgeti(L, -1, (lua_Integer)i + 1);
			list[i] = bind_lock_fd(L, -1);
			lua_pop(L, 1);
		}
		plan->keep = list;
	}
	lua_pop(L, 1);
}

static void
read_numbers(lua_State *L, struct process_plan *plan)
{
	lua_Integer limit;

	lua_getfield(L, PLAN, "timeout");
	plan->timeout = luaL_optnumber(L, -1, -1);
	luaL_argcheck(L, isfinite(plan->timeout) && (plan->timeout >= 0 || lua_isnil(L, -1)), PLAN,
	              "timeout: seconds from 0");
	lua_getfield(L, PLAN, "limit");
	limit = luaL_optinteger(L, -1, PROCESS_LIMIT);
	luaL_argcheck(L, limit > 0 && limit <= PROCESS_LIMIT_MAX, PLAN, "limit: out of range");
	plan->limit = (size_t)limit;
	lua_getfield(L, PLAN, "merge");
	plan->merge = lua_toboolean(L, -1);
	lua_pop(L, 3);
}

static void
read_plan(lua_State *L, struct process_plan *plan)
{
	memset(plan, 0, sizeof *plan);
	plan->arguments = read_arguments(L);
	plan->environment = read_environment(L);
	plan->root = string_field(L, "root");
	plan->folder = string_field(L, "cwd");
	read_keep(L, plan);
	read_numbers(L, plan);
	if (lua_getfield(L, PLAN, "input") == LUA_TNIL) {
		lua_pop(L, 1);
		return;
	}
	luaL_checktype(L, -1, LUA_TSTRING);
	plan->input = lua_tolstring(L, -1, &plan->input_length);
	anchor(L);
}

/* The outcome. */

static int
fail(lua_State *L, const struct process_fault *fault)
{
	const char *code = "local.tool_failed", *root;

	lua_getfield(L, PLAN, "root");
	root = luaL_optstring(L, -1, NULL);
	lua_rawgeti(L, PLAN, 1);
	switch (fault->step) {
	case PROCESS_ROOT:
		if (fault->error == EPERM || fault->error == EACCES)
			code = "local.permission";
		return bind_fail(L, code, "cannot enter %s as a root: %s", root, strerror(fault->error));
	case PROCESS_FOLDER:
		lua_getfield(L, PLAN, "cwd");
		return bind_fail(L, code, "cannot enter %s: %s", lua_tostring(L, -1), strerror(fault->error));
	default: break;
	}
	if (fault->error == ENOENT || fault->error == EACCES || fault->error == ENOEXEC || fault->error == ENOTDIR)
		code = "local.tool_missing";
	return bind_fail(L, code, "%s cannot be run%s%s: %s", lua_tostring(L, -1), root ? " in " : "", root ? root : "",
	                 strerror(fault->error));
}

static bool
set_text(lua_State *L, const char *field, const struct process_text *text)
{
	size_t length;
	char *whole = process_text_whole(text, &length);

	if (!whole)
		luaL_error(L, "not enough memory");
	lua_pushlstring(L, whole, length); /* raises only for want of memory, which ends kedge */
	free(whole);
	lua_setfield(L, -2, field);
	return text->total > text->limit;
}

static void
set_if_known(lua_State *L, const char *field, int value)
{
	if (value < 0)
		return;
	lua_pushinteger(L, value);
	lua_setfield(L, -2, field);
}

static int
push_result(lua_State *L, const struct process *process)
{
	bool truncated;

	lua_createtable(L, 0, 6);
	set_if_known(L, "status", process->status);
	set_if_known(L, "signal", process->signal);
	truncated = set_text(L, "output", &process->output.text);
	truncated |= set_text(L, "errors", &process->errors.text);
	lua_pushboolean(L, truncated);
	lua_setfield(L, -2, "truncated");
	lua_pushboolean(L, process->timed_out);
	lua_setfield(L, -2, "timed_out");
	return 1;
}

static int
run_k(lua_State *L, int status, lua_KContext context)
{
	struct run *run = lua_touserdata(L, HANDLE);

	(void)status;
	(void)context;
	if (!run->process.over)
		return bind_wait(L, &run->ended, -1, 0, run_k);
	if (run->process.fault.step != PROCESS_RUNS)
		return fail(L, &run->process.fault);
	return push_result(L, &run->process);
}

static int
process_run(lua_State *L)
{
	struct loop *loop = bind_loop(L);
	struct process_plan plan;
	struct run *run;
	int error;

	luaL_checktype(L, PLAN, LUA_TTABLE);
	lua_settop(L, PLAN);
	if (!lua_isyieldable(L))
		return luaL_error(L, "cannot wait for a program here: not in a task");
	run = lua_newuserdatauv(L, sizeof *run, 0);
	memset(run, 0, sizeof *run);
	luaL_setmetatable(L, PROCESS);
	lua_toclose(L, HANDLE);
	lua_newtable(L);
	read_plan(L, &plan);
	error = process_start(&run->process, loop, &plan, on_end, run);
	if (error)
		return bind_fail_errno(L, "local.tool_failed", "a program cannot be started", error);
	return run_k(L, LUA_OK, 0);
}

int
luaopen_kedge_core_process(lua_State *L)
{
	static const luaL_Reg metamethods[] = { { "__gc", run_close }, { "__close", run_close }, { NULL, NULL } };
	static const luaL_Reg library[] = { { "run", process_run }, { NULL, NULL } };

	bind_class(L, PROCESS, NULL, metamethods);
	luaL_newlib(L, library);
	return 1;
}
