/*
 * kedge.core.tree: a tree of files as it looks from a root of its own (core/tree.h)
 *
 *   resolve(root, path) -> the path by which this system reaches it
 *   list(path) -> list of names, sorted
 *   link(path) -> what a symbolic link says, or nil where it is none
 *   look(path) -> { type= "file", "directory", "link" or "other", mode=, uid=, gid=, size=, mtime_ns=, device=, inode=,
 *                   target= of a link }; a link is not followed
 *   system(path) -> { temporary = "overlay" | "tmpfs" | nil, read_only = }
 *
 * Failures are nil, message, code; the code is "missing" for what isn't there, "circle" for links that lead to
 * themselves.
 */
#include "../tree.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "bind.h"
#include "modules.h"

static int
fail(lua_State *L, const char *path, int error)
{
	const char *code = "local.file";

	if (error == ENOENT || error == ENOTDIR)
		code = "missing";
	else if (error == ELOOP)
		code = "circle";
	else if (error == EACCES || error == EPERM)
		code = "local.permission";
	if (error == EFBIG)
		return bind_fail(L, "local.limit", "%s: more than %d names", path, TREE_NAMES_MAX);
	return bind_fail_errno(L, code, path, error);
}

static int
resolve(lua_State *L)
{
	const char *root = luaL_checkstring(L, 1), *path = luaL_checkstring(L, 2);
	char *resolved;
	int error = tree_resolve(root, path, &resolved);

	if (error)
		return fail(L, path, error);
	lua_pushstring(L, resolved); /* raises only for want of memory, which ends kedge */
	free(resolved);
	return 1;
}

static int
list(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	char **names;
	size_t count;
	int error = tree_list(path, &names, &count);

	if (error)
		return fail(L, path, error);
	lua_createtable(L, (int)count, 0);
	for (size_t i = 0; i < count; i++) {
		lua_pushstring(L, names[i]);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	tree_free_names(names, count);
	return 1;
}

static int
read_link(lua_State *L)
{
	char target[PATH_MAX];
	ssize_t length = readlink(luaL_checkstring(L, 1), target, sizeof target);

	if (length < 0)
		lua_pushnil(L);
	else
		lua_pushlstring(L, target, (size_t)length);
	return 1;
}

static void
set_integer(lua_State *L, const char *field, lua_Integer value)
{
	lua_pushinteger(L, value);
	lua_setfield(L, -2, field);
}

static int
look(lua_State *L)
{
	static const char *const types[] = { "file", "directory", "link", "other" };
	const char *path = luaL_checkstring(L, 1);
	struct tree_entry entry;
	int error = tree_look(path, &entry);

	if (error)
		return fail(L, path, error);
	lua_createtable(L, 0, 9);
	lua_pushstring(L, types[entry.kind]);
	lua_setfield(L, -2, "type");
	set_integer(L, "mode", (lua_Integer)entry.mode);
	set_integer(L, "uid", entry.uid);
	set_integer(L, "gid", entry.gid);
	set_integer(L, "size", entry.size);
	set_integer(L, "mtime_ns", entry.mtime_ns);
	set_integer(L, "device", (lua_Integer)entry.device);
	set_integer(L, "inode", (lua_Integer)entry.inode);
	lua_pushstring(L, entry.target); /* raises only for want of memory, which ends kedge */
	lua_setfield(L, -2, "target");
	free(entry.target);
	return 1;
}

static int
file_system(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	struct tree_system found;
	int error = tree_system(path, &found);

	if (error)
		return fail(L, path, error);
	lua_createtable(L, 0, 2);
	lua_pushstring(L, found.temporary);
	lua_setfield(L, -2, "temporary");
	lua_pushboolean(L, found.read_only);
	lua_setfield(L, -2, "read_only");
	return 1;
}

int
luaopen_kedge_core_tree(lua_State *L)
{
	static const luaL_Reg library[] = {
		{ "resolve", resolve },
		{ "list", list },
		{ "link", read_link },
		{ "look", look },
		{ "system", file_system },
		{ NULL, NULL },
	};

	luaL_newlib(L, library);
	return 1;
}
