/*
 * kedge.core.change: changes to a tree of files, each flushed (core/change.h)
 *
 *   make_folder(path [, mode]) -> true, also when it is there; 0755 by default
 *   create(path, text [, { uid=, gid=, mode= }]) -> true; a new file, ours and 0644 by default
 *   link(target, path) -> true; in the place of a file or link that is there
 *   rename(from, to); remove(path); remove_folder(path) -> true, also when nothing is there
 *   copy(from, to); restore(copy, path) -> true
 *   owner(path) -> { uid=, gid=, mode= }; own(path, uid, gid, mode) -> true
 *   flush(path); flush_system(path) -> true
 *   free(path) -> bytes, inodes that we may still take, math.maxinteger where there is no bound
 *   access(path) -> true where we may write
 *
 * Failures are nil, message, code: "missing" for what isn't there, local.permission, local.file.
 */
#include "../change.h"

#include <errno.h>
#include <string.h>

#include "bind.h"
#include "modules.h"

static const char *
code_of(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR: return "missing";
	case EACCES:
	case EPERM:
	case ELOOP: return "local.permission";
	default: return "local.file";
	}
}

/* true, or the failure with the path (or both paths) in front. */
static int
give(lua_State *L, int error, const char *path, const char *to)
{
	const char *text = error == ELOOP ? "a symbolic link that is not followed here" : strerror(error);

	if (!error) {
		lua_pushboolean(L, 1);
		return 1;
	}
	if (to)
		return bind_fail(L, code_of(error), "%s to %s: %s", path, to, text);
	return bind_fail(L, code_of(error), "%s: %s", path, text);
}

static mode_t
check_mode(lua_State *L, int argument, lua_Integer given)
{
	luaL_argcheck(L, given >= 0 && given <= 07777, argument, "not a mode");
	return (mode_t)given;
}

static int
make_folder(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);

	return give(L, change_make_folder(path, check_mode(L, 2, luaL_optinteger(L, 2, 0755))), path, NULL);
}

static lua_Integer
owner_field(lua_State *L, int argument, const char *name)
{
	lua_Integer value;

	luaL_argexpected(L, lua_getfield(L, argument, name) == LUA_TNUMBER, argument, "table of uid, gid and mode");
	value = lua_tointeger(L, -1);
	luaL_argcheck(L, value >= 0 && value < UINT32_MAX, argument, "out of range");
	lua_pop(L, 1);
	return value;
}

static int
create(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	size_t length;
	const char *text = luaL_checklstring(L, 2, &length);
	struct change_owner owner;
	bool given = !lua_isnoneornil(L, 3);

	if (given) {
		luaL_checktype(L, 3, LUA_TTABLE);
		owner.uid = (uid_t)owner_field(L, 3, "uid");
		owner.gid = (gid_t)owner_field(L, 3, "gid");
		owner.mode = check_mode(L, 3, owner_field(L, 3, "mode"));
	}
	return give(L, change_create(path, text, length, given ? &owner : NULL), path, NULL);
}

/* Functions of one path, and of two. */

static int
of_path(lua_State *L, int (*change)(const char *))
{
	const char *path = luaL_checkstring(L, 1);

	return give(L, change(path), path, NULL);
}

static int
of_two(lua_State *L, int (*change)(const char *, const char *))
{
	const char *from = luaL_checkstring(L, 1), *to = luaL_checkstring(L, 2);

	return give(L, change(from, to), from, to);
}

static int
remove_(lua_State *L)
{
	return of_path(L, change_remove);
}

static int
remove_folder(lua_State *L)
{
	return of_path(L, change_remove_folder);
}

static int
flush(lua_State *L)
{
	return of_path(L, change_flush);
}

static int
flush_system(lua_State *L)
{
	return of_path(L, change_flush_system);
}

static int
may_write(lua_State *L)
{
	return of_path(L, change_may_write);
}

static int
rename_(lua_State *L)
{
	return of_two(L, change_rename);
}

static int
copy(lua_State *L)
{
	return of_two(L, change_copy);
}

static int
restore(lua_State *L)
{
	return of_two(L, change_restore);
}

static int
make_link(lua_State *L)
{
	const char *target = luaL_checkstring(L, 1), *path = luaL_checkstring(L, 2);

	return give(L, change_link(target, path), path, NULL);
}

static void
set_integer(lua_State *L, const char *field, lua_Integer value)
{
	lua_pushinteger(L, value);
	lua_setfield(L, -2, field);
}

static int
get_owner(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	struct change_owner owner;
	int error = change_get_owner(path, &owner);

	if (error)
		return give(L, error, path, NULL);
	lua_createtable(L, 0, 3);
	set_integer(L, "uid", (lua_Integer)owner.uid);
	set_integer(L, "gid", (lua_Integer)owner.gid);
	set_integer(L, "mode", (lua_Integer)owner.mode);
	return 1;
}

static int
set_owner(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	const struct change_owner owner = { (uid_t)luaL_checkinteger(L, 2), (gid_t)luaL_checkinteger(L, 3),
		check_mode(L, 4, luaL_checkinteger(L, 4)) };

	return give(L, change_set_owner(path, &owner), path, NULL);
}

static void
push_amount(lua_State *L, uint64_t amount)
{
	lua_pushinteger(L, amount > LUA_MAXINTEGER ? LUA_MAXINTEGER : (lua_Integer)amount);
}

static int
get_room(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	struct change_room room;
	int error = change_get_room(path, &room);

	if (error)
		return give(L, error, path, NULL);
	push_amount(L, room.bytes);
	push_amount(L, room.inodes);
	return 2;
}

int
luaopen_kedge_core_change(lua_State *L)
{
	static const luaL_Reg library[] = {
		{ "make_folder", make_folder },
		{ "create", create },
		{ "link", make_link },
		{ "rename", rename_ },
		{ "remove", remove_ },
		{ "remove_folder", remove_folder },
		{ "copy", copy },
		{ "restore", restore },
		{ "owner", get_owner },
		{ "own", set_owner },
		{ "flush", flush },
		{ "flush_system", flush_system },
		{ "free", get_room },
		{ "access", may_write },
		{ NULL, NULL },
	};

	luaL_newlib(L, library);
	return 1;
}
