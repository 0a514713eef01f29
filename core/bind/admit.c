/*
 * kedge.core.admit: program text that kedge may run (core/admit.h)
 *
 *   find(path, guarded) -> its absolute path without symbolic links | nil, message, code;
 *     the code is "missing" for what isn't there, else "local.file" or "local.permission"
 *   is_root() -> whether root runs kedge, who guards what is run
 *   user() -> the number of the user as whom kedge works
 */
#include "../admit.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <unistd.h>

#include "bind.h"
#include "modules.h"

#define ROOTS "and root runs only what root alone can change"

static int
fail_system(lua_State *L, const struct admit_fault *fault)
{
	const char *code = "local.file";

	if (fault->error == ENOENT || fault->error == ENOTDIR)
		code = "missing";
	else if (fault->error == EACCES || fault->error == EPERM)
		code = "local.permission";
	return bind_fail_errno(L, code, fault->path, fault->error);
}

static int
fail(lua_State *L, enum admit why, const struct admit_fault *fault)
{
	const char *path = fault->path;

	switch (why) {
	case ADMIT_FOLDER: return bind_fail(L, "local.file", "%s is a folder, not a Lua file", path);
	case ADMIT_FIFO: return bind_fail(L, "local.file", "%s is a FIFO, not a Lua file", path);
	case ADMIT_DEVICE: return bind_fail(L, "local.file", "%s is a device or a socket, not a Lua file", path);
	case ADMIT_OWNER:
		return bind_fail(L, "local.permission", "%s belongs to user %I, " ROOTS " (chown root mends it)", path,
				 (LUAI_UACINT)fault->owner);
	case ADMIT_WRITABLE:
		return bind_fail(L, "local.permission", "others may write %s, " ROOTS " (chmod go-w mends it)", path);
	case ADMIT_HARD_LINK:
		return bind_fail(L, "local.permission", "%s has another name in a folder that others may write, " ROOTS,
				 path);
	default: return fail_system(L, fault);
	}
}

static int
find(lua_State *L)
{
	struct admit_fault fault;
	char *resolved;
	enum admit why = admit_find(luaL_checkstring(L, 1), lua_toboolean(L, 2), &resolved, &fault);

	if (why != ADMIT_GOOD)
		return fail(L, why, &fault);
	lua_pushstring(L, resolved);
	free(resolved);
	return 1;
}

static int
is_root(lua_State *L)
{
	lua_pushboolean(L, geteuid() == 0);
	return 1;
}

static int
user(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)geteuid());
	return 1;
}

int
luaopen_kedge_core_admit(lua_State *L)
{
	static const luaL_Reg library[] = {
		{ "find", find }, { "is_root", is_root }, { "user", user }, { NULL, NULL }
	};

	luaL_newlib(L, library);
	return 1;
}
