/*
 * kedge.core.prompt: a line that is edited, waited for as anything else.
 *
 *   open(utf8) -> editor of the terminal | nil, message, "missing" where kedge was built without
 *   editor:line(prompt) -> text | nil at its end (Ctrl-D); in a task
 *   editor:drop()          forgets a line that is half typed, for whoever was interrupted in line()
 *   editor:remember(text)  one more that arrow keys bring back
 *   editor:close()
 *   user() -> the number of the user that kedge runs as
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../edit.h"
#include "bind.h"
#include "modules.h"

#define EDITOR "kedge.editor"

struct editor {
	struct edit *edit; /* NULL once closed */
	struct bind_condition changed;
	struct ev_loop *ev;
	ev_io keys;
	ev_signal resumed, resized;
	bool reading; /* the watchers are active */
	enum edit_step step;
	const char *line;
	size_t length;
};

static struct editor *
check(lua_State *L)
{
	struct editor *editor = luaL_checkudata(L, 1, EDITOR);

	if (!editor->edit)
		luaL_error(L, "the editor is closed");
	return editor;
}

static void
on_key(struct ev_loop *ev, ev_io *watcher, int events)
{
	struct editor *editor = watcher->data;

	(void)events;
	editor->step = edit_key(editor->edit, &editor->line, &editor->length);
	if (editor->step == EDIT_MORE)
		return;
	ev_io_stop(ev, watcher);
	bind_wake(&editor->changed);
}

static void
on_redraw(struct ev_loop *ev, ev_signal *watcher, int events)
{
	const struct editor *editor = watcher->data;

	(void)ev;
	(void)events;
	edit_redraw(editor->edit);
}

static int
prompt_open(lua_State *L)
{
	bool utf8 = lua_toboolean(L, 1);
	struct editor *editor = lua_newuserdatauv(L, sizeof *editor, 0);

	memset(editor, 0, sizeof *editor);
	luaL_setmetatable(L, EDITOR);
	editor->ev = bind_loop(L)->ev;
	ev_io_init(&editor->keys, on_key, STDIN_FILENO, EV_READ);
	ev_signal_init(&editor->resumed, on_redraw, SIGCONT);
	ev_signal_init(&editor->resized, on_redraw, SIGWINCH);
	editor->keys.data = editor->resumed.data = editor->resized.data = editor;
	editor->edit = edit_new(utf8);
	if (editor->edit)
		return 1;
	if (errno == ENOSYS)
		return bind_fail(L, "missing", "kedge was built without line editing");
	return bind_fail_errno(L, "local.limit", NULL, errno);
}

static void
begin(struct editor *editor, const char *prompt)
{
	editor->step = EDIT_MORE;
	editor->reading = true;
	edit_begin(editor->edit, prompt);
	ev_io_start(editor->ev, &editor->keys);
	ev_signal_start(editor->ev, &editor->resumed);
	ev_signal_start(editor->ev, &editor->resized);
}

static void
finish(struct editor *editor)
{
	if (!editor->reading)
		return;
	editor->reading = false;
	ev_io_stop(editor->ev, &editor->keys);
	ev_signal_stop(editor->ev, &editor->resumed);
	ev_signal_stop(editor->ev, &editor->resized);
	edit_finish(editor->edit);
}

static int
line_k(lua_State *L, int status, lua_KContext context)
{
	struct editor *editor = check(L);

	(void)status;
	(void)context;
	if (editor->step == EDIT_MORE)
		return bind_wait(L, &editor->changed, -1, 0, line_k);
	if (editor->step == EDIT_LINE)
		lua_pushlstring(L, editor->line, editor->length);
	else
		lua_pushnil(L);
	finish(editor);
	return 1;
}

static int
editor_line(lua_State *L)
{
	struct editor *editor = check(L);
	const char *prompt = luaL_checkstring(L, 2);

	if (editor->reading)
		return luaL_error(L, "somebody else reads a line");
	begin(editor, prompt);
	return line_k(L, LUA_OK, 0);
}

static int
editor_drop(lua_State *L)
{
	finish(check(L));
	return 0;
}

static int
editor_remember(lua_State *L)
{
	edit_remember(check(L)->edit, luaL_checkstring(L, 2));
	return 0;
}

static int
editor_close(lua_State *L)
{
	struct editor *editor = luaL_checkudata(L, 1, EDITOR);

	if (!editor->edit)
		return 0;
	finish(editor);
	edit_free(editor->edit);
	editor->edit = NULL;
	bind_wake(&editor->changed); /* line() raises that it was closed */
	return 0;
}

static int
prompt_user(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)geteuid());
	return 1;
}

static const luaL_Reg functions[] = { { "open", prompt_open }, { "user", prompt_user }, { NULL, NULL } };
static const luaL_Reg methods[] = {
	{ "line", editor_line },   { "drop", editor_drop }, { "remember", editor_remember },
	{ "close", editor_close }, { NULL, NULL },
};
static const luaL_Reg metamethods[] = { { "__gc", editor_close }, { "__close", editor_close }, { NULL, NULL } };

int
luaopen_kedge_core_prompt(lua_State *L)
{
	bind_class(L, EDITOR, methods, metamethods);
	luaL_newlib(L, functions);
	return 1;
}
