#include "edit.h"

#include <errno.h>

#ifdef KEDGE_EDIT

#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { CONTROL_D = 4 };

struct edit {
	EditLine *line;
	History *history;
	bool reading;
	char prompt[EDIT_PROMPT_MAX + 1];
};

static char *
prompt_of(EditLine *line)
{
	struct edit *edit = NULL;

	el_get(line, EL_CLIENTDATA, &edit);
	return edit->prompt;
}

static bool
start_history(struct edit *edit)
{
	HistEvent event;

	edit->history = history_init();
	if (!edit->history)
		return false;
	history(edit->history, &event, H_SETSIZE, EDIT_HISTORY_MAX);
	history(edit->history, &event, H_SETUNIQUE, 1);
	return true;
}

static bool
start_line(struct edit *edit)
{
	edit->line = el_init("kedge", stdin, stdout, stderr);
	if (!edit->line)
		return false;
	el_set(edit->line, EL_CLIENTDATA, edit);
	el_set(edit->line, EL_PROMPT, prompt_of);
	el_set(edit->line, EL_EDITOR, "emacs");
	el_set(edit->line, EL_HIST, history, edit->history);
	el_set(edit->line, EL_BIND, "^W", "ed-delete-prev-word", NULL);
	el_set(edit->line, EL_BIND, "^R", "em-inc-search-prev", NULL);
	return true;
}

struct edit *
edit_new(bool utf8)
{
	struct edit *edit = calloc(1, sizeof *edit);

	if (!edit)
		return NULL;
	if (utf8)
		(void)setlocale(LC_CTYPE, "C.UTF-8"); /* libedit asks it what a character is */
	if (start_history(edit) && start_line(edit))
		return edit;
	edit_free(edit);
	errno = ENOMEM;
	return NULL;
}

void
edit_begin(struct edit *edit, const char *prompt)
{
	edit_finish(edit);
	(void)snprintf(edit->prompt, sizeof edit->prompt, "%s", prompt);
	edit->reading = true;
	el_set(edit->line, EL_UNBUFFERED, 1);
}

enum edit_step
edit_key(struct edit *edit, const char **line, size_t *length)
{
	struct termios modes;
	int count = 0;
	const char *text = el_gets(edit->line, &count);

	*line = text;
	*length = 0;
	if (!text || count <= 0) /* an empty line, or nobody is there any more */
		return tcgetattr(STDIN_FILENO, &modes) == 0 ? EDIT_MORE : EDIT_END;
	if (text[count - 1] == '\n' || text[count - 1] == '\r') {
		*length = (size_t)count - 1;
		return EDIT_LINE;
	}
	return count == 1 && text[0] == CONTROL_D ? EDIT_END : EDIT_MORE;
}

void
edit_redraw(struct edit *edit)
{
	if (!edit->reading)
		return;
	el_resize(edit->line);
	el_set(edit->line, EL_PREP_TERM, 1);
	el_set(edit->line, EL_REFRESH);
}

void
edit_finish(struct edit *edit)
{
	if (!edit->reading)
		return;
	edit->reading = false;
	el_set(edit->line, EL_UNBUFFERED, 0);
}

void
edit_remember(struct edit *edit, const char *line)
{
	HistEvent event;

	history(edit->history, &event, H_ENTER, line);
}

void
edit_free(struct edit *edit)
{
	if (!edit)
		return;
	if (edit->line) {
		edit_finish(edit);
		el_end(edit->line);
	}
	if (edit->history)
		history_end(edit->history);
	free(edit);
}

#else

struct edit *
edit_new(bool utf8)
{
	(void)utf8;
	errno = ENOSYS;
	return NULL;
}

void
edit_begin(struct edit *edit, const char *prompt)
{
	(void)edit;
	(void)prompt;
}

enum edit_step
edit_key(struct edit *edit, const char **line, size_t *length)
{
	(void)edit;
	*line = NULL;
	*length = 0;
	return EDIT_END;
}

void
edit_redraw(struct edit *edit)
{
	(void)edit;
}

void
edit_finish(struct edit *edit)
{
	(void)edit;
}

void
edit_remember(struct edit *edit, const char *line)
{
	(void)edit;
	(void)line;
}

void
edit_free(struct edit *edit)
{
	(void)edit;
}

#endif
