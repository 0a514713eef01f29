/*
 * Boot: descriptors 0 to 2, signals of failed writes, the Lua state, then kedge.cli's main.
 * Whatever Lua raises ends here, with a traceback and status 3.
 */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../file.h"
#include "bind.h"
#include "modules.h"

enum { STATUS_FAILED = 3 };

/* No socket may ever become descriptor 0, 1 or 2. An empty root has no
 * /dev/null; there `/` takes the place, and a write to it fails. */
static void
hold_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) != -1 || errno != EBADF)
			continue;
		if (open("/dev/null", O_RDWR) != fd && open("/", O_RDONLY | O_DIRECTORY) != fd)
			exit(STATUS_FAILED);
	}
}

static void
ignore(int number)
{
	(void)number;
}

/* A handler, not SIG_IGN: programs that kedge starts get the default back. */
static void
survive_failed_writes(void)
{
	struct sigaction action = { .sa_handler = ignore, .sa_flags = SA_RESTART };

	sigemptyset(&action.sa_mask);
	sigaction(SIGPIPE, &action, NULL);
	sigaction(SIGXFSZ, &action, NULL); /* a file beyond ulimit -f is EFBIG then, and its beginning is removed */
}

static int
add_traceback(lua_State *L)
{
	const char *message = lua_tostring(L, 1);

	if (!message)
		message = luaL_tolstring(L, 1, NULL);
	luaL_traceback(L, L, message, 1);
	return 1;
}

static void
push_arguments(lua_State *L, int argc, char **argv)
{
	lua_createtable(L, argc, 1);
	for (int i = 0; i < argc; i++) {
		lua_pushstring(L, argv[i]);
		lua_rawseti(L, -2, i);
	}
}

/* (argc, argv) -> exit status */
static int
run(lua_State *L)
{
	int argc = (int)lua_tointeger(L, 1);
	char **argv = lua_touserdata(L, 2);

	modules_open(L);
	lua_getglobal(L, "require");
	lua_pushliteral(L, "kedge.cli");
	lua_call(L, 1, 1);
	lua_getfield(L, -1, "main");
	push_arguments(L, argc, argv);
	lua_call(L, 1, 1);
	return 1;
}

int
main(int argc, char **argv)
{
	int status = STATUS_FAILED;
	lua_State *L;

	hold_descriptors();
	survive_failed_writes();
	bind_at_once = file_unlink_unfinished;
	L = luaL_newstate();
	if (!L) {
		fputs("kedge: not enough memory\n", stderr);
		return status;
	}
	lua_pushcfunction(L, add_traceback);
	lua_pushcfunction(L, run);
	lua_pushinteger(L, argc);
	lua_pushlightuserdata(L, argv);
	if (lua_pcall(L, 2, 1, 1) == LUA_OK && lua_isinteger(L, -1))
		status = (int)lua_tointeger(L, -1);
	else
		fprintf(stderr, "kedge: internal error: %s\n", luaL_tolstring(L, -1, NULL));
	lua_close(L);
	return status;
}
