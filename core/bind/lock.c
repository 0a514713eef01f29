/*
 * kedge.core.lock: locks between processes (core/lock.h)
 *
 *   take(path [, kind]) -> lock | nil, message, code [, pid]
 *       kind is "flock" (by default) or "posix"; never waits. "local.busy" with the
 *       holder's pid where it is known, "missing", "local.permission", "local.file"
 *   lock:write_pid() -> true | nil, message, code; notes who has it, flock only
 *   lock:retire(path) -> true | nil, message, code; takes its file away, and with it what others inherited; flock only
 *   lock:close()
 */
#include "lock.h"

#include <errno.h>
#include <string.h>

#include "../lock.h"
#include "bind.h"
#include "modules.h"

#define LOCK "kedge.lock"

static int
fail_busy(lua_State *L, const char *path, pid_t holder)
{
	if (holder == 0)
		return bind_fail(L, "local.busy", "%s: locked by another process", path);
	bind_fail(L, "local.busy", "%s: locked by process %d", path, (int)holder);
	lua_pushinteger(L, (lua_Integer)holder);
	return 4;
}

static int
fail(lua_State *L, const char *path, int error, pid_t holder)
{
	switch (error) {
	case EWOULDBLOCK: return fail_busy(L, path, holder);
	case ENOENT:
	case ENOTDIR: return bind_fail_errno(L, "missing", path, error);
	case EACCES:
	case EPERM: return bind_fail_errno(L, "local.permission", path, error);
	case ELOOP:
		return bind_fail(L, "local.permission", "%s: a symbolic link, which a lock is not taken through", path);
	case EINVAL: return bind_fail(L, "local.file", "%s: not a regular file", path);
	default: return bind_fail_errno(L, "local.file", path, error);
	}
}

static int
take(lua_State *L)
{
	static const char *const kinds[] = { "flock", "posix", NULL };
	const char *path = luaL_checkstring(L, 1);
	enum lock_kind kind = luaL_checkoption(L, 2, "flock", kinds) == 0 ? LOCK_FLOCK : LOCK_POSIX;
	struct lock *lock = lua_newuserdatauv(L, sizeof *lock, 0);
	pid_t holder;
	int error;

	*lock = (struct lock){ -1, kind };
	luaL_setmetatable(L, LOCK);
	error = lock_take(lock, path, kind, &holder);
	return error ? fail(L, path, error, holder) : 1;
}

static struct lock *
check_flock(lua_State *L, int index)
{
	struct lock *lock = luaL_checkudata(L, index, LOCK);

	if (lock->fd < 0)
		luaL_error(L, "the lock is closed");
	luaL_argcheck(L, lock->kind == LOCK_FLOCK, index, "a posix lock is its process's alone");
	return lock;
}

int
bind_lock_fd(lua_State *L, int index)
{
	return check_flock(L, index)->fd;
}

static int
write_pid(lua_State *L)
{
	int error = lock_write_pid(check_flock(L, 1));

	if (error)
		return bind_fail_errno(L, "local.file", "cannot note who has the lock", error);
	lua_pushboolean(L, 1);
	return 1;
}

static int
retire(lua_State *L)
{
	const char *path = luaL_checkstring(L, 2);
	int error = lock_retire(check_flock(L, 1), path);

	if (error)
		return fail(L, path, error, 0);
	lua_pushboolean(L, 1);
	return 1;
}

static int
close_(lua_State *L)
{
	lock_close(luaL_checkudata(L, 1, LOCK));
	return 0;
}

int
luaopen_kedge_core_lock(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{ "write_pid", write_pid }, { "retire", retire }, { "close", close_ }, { NULL, NULL }
	};
	static const luaL_Reg metamethods[] = { { "__gc", close_ }, { "__close", close_ }, { NULL, NULL } };
	static const luaL_Reg library[] = { { "take", take }, { NULL, NULL } };

	bind_class(L, LOCK, methods, metamethods);
	luaL_newlib(L, library);
	return 1;
}
