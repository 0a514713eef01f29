/*
 * kedge.core.file
 *
 *   read(path [, limit]) -> text | nil, message, code; limit in bytes, 16 MiB by default
 *   create(path) -> output under construction (see core/file.h) | nil, message, code
 *       :write(text) -> true | nil, message, code; :commit() -> the same; :close() forgets it
 *   replace(path) -> the same, for a regular file that is there: owner, mode and extended attributes stay
 *   output(fd) -> writer for descriptors 0 to 2: :write(text)
 *   input(fd) -> reader: :read([n]) -> text, "" at the end | nil, message, code
 *   isatty(fd); width(fd) -> columns or nil; place(path or fd) -> text, equal for
 *   two names of one place | nil, message, code
 *   stat(path) -> { type=, size=, mode=, uid=, mtime= } | nil, message, code
 *
 * In a task write and read wait in the loop, elsewhere they block. The
 * descriptors are shared with the shell and never made non-blocking: ask
 * poll, then one read or write.
 */
#include "../file.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bind.h"
#include "modules.h"

#define OUTPUT "kedge.file.output"
#define CHANNEL "kedge.file.channel"
#define READING "kedge.file.reading"

enum { READ_LIMIT = 16 << 20, READ_MAX = 65536, NOT_AT_ONCE = -1 };

/* What is waited on: a descriptor of ours or one of 0 to 2. */
struct channel {
	int fd;
	bool writing;
	bool closed;
	ev_io watcher;
	struct loop *loop; /* set while the watcher is active */
	struct bind_condition condition;
};

struct output {
	struct channel channel;
	struct file_output file;
};

struct reading {
	struct channel channel;
	struct file_reading file;
};

static const char *
code_of(int error)
{
	return error == EACCES || error == EPERM ? "local.permission" : "local.file";
}

static int
fail(lua_State *L, const char *what, int error)
{
	return bind_fail_errno(L, code_of(error), what, error);
}

/* Waiting. */

static void
stop_watching(struct channel *channel)
{
	if (channel->loop && channel->loop->ev) /* at the end of the Lua state the loop may be gone first */
		ev_io_stop(channel->loop->ev, &channel->watcher);
	channel->loop = NULL;
}

static void
on_ready(struct ev_loop *ev, ev_io *watcher, int events)
{
	struct channel *channel = watcher->data;

	(void)ev;
	(void)events;
	stop_watching(channel);
	bind_wake(&channel->condition);
}

static void
start_watching(lua_State *L, struct channel *channel)
{
	if (channel->loop)
		return;
	channel->loop = bind_loop(L);
	ev_io_init(&channel->watcher, on_ready, channel->fd, channel->writing ? EV_WRITE : EV_READ);
	channel->watcher.data = channel;
	ev_io_start(channel->loop->ev, &channel->watcher);
}

/* Waits in the loop and goes on with k; or blocks, where there is no loop, and gives NOT_AT_ONCE. */
static int
wait_for(lua_State *L, struct channel *channel, lua_KContext context, lua_KFunction k)
{
	if (!bind_can_wait(L)) {
		file_wait(channel->fd, channel->writing);
		return NOT_AT_ONCE;
	}
	start_watching(L, channel);
	return bind_wait(L, &channel->condition, -1, context, k);
}

static void
close_channel(struct channel *channel)
{
	stop_watching(channel);
	bind_wake(&channel->condition);
	channel->closed = true;
}

/* Writing: handle at 1, text at 2; `context` bytes are written already. */

static int
fail_write(lua_State *L, struct channel *channel, int error)
{
	/* EBADF: a descriptor that was closed when kedge began, see main.c. */
	if (error == EPIPE || (error == EBADF && channel->fd <= STDERR_FILENO))
		return bind_fail(L, "local.pipe", "nobody reads the output any more");
	return fail(L, "cannot write", error);
}

static int
write_on(lua_State *L, int status, lua_KContext context)
{
	struct channel *channel = lua_touserdata(L, 1);
	size_t length, done = (size_t)context;
	const char *text = luaL_checklstring(L, 2, &length);

	(void)status;
	while (done < length) {
		ssize_t n;

		if (channel->closed)
			return fail_write(L, channel, EPIPE);
		n = file_try_write(channel->fd, text + done, length - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			wait_for(L, channel, (lua_KContext)done, write_on);
		else if (errno != EINTR)
			return fail_write(L, channel, errno);
	}
	lua_pushboolean(L, 1);
	return 1;
}

static struct channel *
check_channel(lua_State *L)
{
	struct channel *channel = luaL_testudata(L, 1, OUTPUT);

	if (!channel)
		channel = luaL_checkudata(L, 1, CHANNEL);
	if (channel->closed)
		luaL_error(L, "the file is closed");
	return channel;
}

static int
channel_write(lua_State *L)
{
	luaL_argcheck(L, check_channel(L)->writing, 1, "not open for writing");
	luaL_checkstring(L, 2);
	lua_settop(L, 2);
	return write_on(L, LUA_OK, 0);
}

/* Reading: handle at 1; `context` is how much is wanted at most. */

static int
read_on(lua_State *L, int status, lua_KContext context)
{
	struct channel *channel = lua_touserdata(L, 1);
	luaL_Buffer buffer;
	char *space;
	ssize_t n;
	int error;

	(void)status;
	if (channel->closed)
		return bind_fail(L, "local.file", "cannot read: the file was closed");
	space = luaL_buffinitsize(L, &buffer, (size_t)context);
	do {
		n = file_try_read(channel->fd, space, (size_t)context);
	} while (n < 0 && errno == EINTR);
	error = errno;
	luaL_pushresultsize(&buffer, n > 0 ? (size_t)n : 0);
	if (n >= 0)
		return 1;
	lua_settop(L, 1);
	if (error != EAGAIN)
		return fail(L, "cannot read", error);
	wait_for(L, channel, context, read_on);
	return read_on(L, LUA_OK, context);
}

static int
channel_read(lua_State *L)
{
	lua_Integer n = luaL_optinteger(L, 2, READ_MAX);

	luaL_argcheck(L, !check_channel(L)->writing, 1, "not open for reading");
	luaL_argcheck(L, n > 0 && n <= READ_MAX, 2, "out of range");
	lua_settop(L, 1);
	return read_on(L, LUA_OK, (lua_KContext)n);
}

/* Handles. */

static int
channel_close(lua_State *L)
{
	close_channel(luaL_checkudata(L, 1, CHANNEL));
	return 0;
}

static int
new_channel(lua_State *L, bool writing)
{
	lua_Integer fd = luaL_checkinteger(L, 1);
	struct channel *channel = lua_newuserdatauv(L, sizeof *channel, 0);

	luaL_argcheck(L, fd >= 0 && fd <= STDERR_FILENO, 1, "not one of descriptors 0 to 2");
	*channel = (struct channel){ .fd = (int)fd, .writing = writing };
	luaL_setmetatable(L, CHANNEL);
	return 1;
}

static int
open_output(lua_State *L)
{
	return new_channel(L, true);
}

static int
open_input(lua_State *L)
{
	return new_channel(L, false);
}

static int
begin_output(lua_State *L, int (*begin)(struct file_output *, const char *))
{
	const char *path = luaL_checkstring(L, 1);
	struct output *output = lua_newuserdatauv(L, sizeof *output, 0);
	int error;

	*output = (struct output){ .channel = { .fd = -1, .writing = true, .closed = true }, .file = { .fd = -1 } };
	luaL_setmetatable(L, OUTPUT);
	error = begin(&output->file, path);
	if (error == ELOOP && begin == file_replace)
		return bind_fail(L, "local.permission", "%s: a symbolic link in a folder where others may write", path);
	if (error)
		return fail(L, path, error);
	output->channel.fd = output->file.fd;
	output->channel.closed = false;
	return 1;
}

static int
create(lua_State *L)
{
	return begin_output(L, file_create);
}

static int
replace(lua_State *L)
{
	return begin_output(L, file_replace);
}

static int
output_close(lua_State *L)
{
	struct output *output = luaL_checkudata(L, 1, OUTPUT);

	close_channel(&output->channel);
	file_abort(&output->file);
	return 0;
}

static int
output_commit(lua_State *L)
{
	struct output *output = luaL_checkudata(L, 1, OUTPUT);
	int error;

	check_channel(L);
	close_channel(&output->channel);
	error = file_commit(&output->file);
	if (error)
		return fail(L, "cannot write", error);
	lua_pushboolean(L, 1);
	return 1;
}

/* Questions. */

static int
reading_close(lua_State *L)
{
	struct reading *reading = luaL_checkudata(L, 1, READING);

	close_channel(&reading->channel);
	file_read_end(&reading->file);
	return 0;
}

/* Path at 1, limit at 2, reading at 3. */
static int
read_file_on(lua_State *L, int status, lua_KContext context)
{
	struct reading *reading = lua_touserdata(L, 3);
	int error;

	(void)status;
	while ((error = file_read_on(&reading->file)) == EAGAIN)
		wait_for(L, &reading->channel, context, read_file_on);
	if (error == EFBIG)
		return bind_fail(L, "local.limit", "%s: larger than %I bytes", lua_tostring(L, 1), lua_tointeger(L, 2));
	if (error)
		return fail(L, lua_tostring(L, 1), error);
	lua_pushlstring(L, reading->file.text, reading->file.length);
	return 1;
}

static int
read_file(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	lua_Integer limit = luaL_optinteger(L, 2, READ_LIMIT);
	struct reading *reading;
	int error;

	luaL_argcheck(L, limit >= 0, 2, "negative");
	lua_settop(L, 1);
	lua_pushinteger(L, limit);
	reading = lua_newuserdatauv(L, sizeof *reading, 0);
	*reading = (struct reading){ .channel = { .fd = -1 }, .file = { .fd = -1 } };
	luaL_setmetatable(L, READING);
	lua_toclose(L, 3);
	error = file_read_begin(&reading->file, path, (size_t)limit);
	if (error)
		return fail(L, path, error);
	reading->channel.fd = reading->file.fd;
	return read_file_on(L, LUA_OK, 0);
}

static int
is_terminal(lua_State *L)
{
	lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
	return 1;
}

static int
width(lua_State *L)
{
	int columns = file_width((int)luaL_checkinteger(L, 1));

	if (columns > 0)
		lua_pushinteger(L, columns);
	else
		lua_pushnil(L);
	return 1;
}

static int
place(lua_State *L)
{
	const char *path = lua_isinteger(L, 1) ? NULL : luaL_checkstring(L, 1);
	struct file_place place;
	int error = path ? file_place(path, &place) : file_place_of((int)lua_tointeger(L, 1), &place);

	if (error)
		return fail(L, path, error);
	lua_pushfstring(L, "%I:%I/%s", (lua_Integer)place.device, (lua_Integer)place.inode,
	                place.name ? place.name : "");
	free(place.name);
	return 1;
}

static const char *
type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return "file";
	case S_IFDIR: return "directory";
	case S_IFIFO: return "fifo";
	case S_IFSOCK: return "socket";
	default: return "device";
	}
}

static void
set_integer(lua_State *L, const char *field, lua_Integer value)
{
	lua_pushinteger(L, value);
	lua_setfield(L, -2, field);
}

static int
file_status(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	struct stat status;

	if (stat(path, &status) != 0)
		return fail(L, path, errno);
	lua_createtable(L, 0, 5);
	lua_pushstring(L, type_name(status.st_mode));
	lua_setfield(L, -2, "type");
	set_integer(L, "size", (lua_Integer)status.st_size);
	set_integer(L, "mode", (lua_Integer)(status.st_mode & 07777));
	set_integer(L, "uid", (lua_Integer)status.st_uid);
	set_integer(L, "mtime", (lua_Integer)status.st_mtime);
	return 1;
}

static const luaL_Reg channel_methods[] = {
	{ "write", channel_write },
	{ "read", channel_read },
	{ "close", channel_close },
	{ NULL, NULL },
};

static const luaL_Reg channel_meta[] = {
	{ "__gc", channel_close },
	{ "__close", channel_close },
	{ NULL, NULL },
};

static const luaL_Reg output_methods[] = {
	{ "write", channel_write },
	{ "commit", output_commit },
	{ "close", output_close },
	{ NULL, NULL },
};

static const luaL_Reg output_meta[] = {
	{ "__gc", output_close },
	{ "__close", output_close },
	{ NULL, NULL },
};

static const luaL_Reg reading_meta[] = { { "__gc", reading_close }, { "__close", reading_close }, { NULL, NULL } };

static const luaL_Reg library[] = {
	{ "read", read_file },
	{ "create", create },
	{ "replace", replace },
	{ "output", open_output },
	{ "input", open_input },
	{ "isatty", is_terminal },
	{ "width", width },
	{ "place", place },
	{ "stat", file_status },
	{ NULL, NULL },
};

int
luaopen_kedge_core_file(lua_State *L)
{
	bind_class(L, CHANNEL, channel_methods, channel_meta);
	bind_class(L, OUTPUT, output_methods, output_meta);
	bind_class(L, READING, NULL, reading_meta);
	luaL_newlib(L, library);
	return 1;
}
