/*
 * Line editing on the terminal of descriptors 0 and 1, by libedit where kedge
 * was built with it (KEDGE_EDIT). One key at a time, so that the caller's loop
 * may wait for the terminal.
 */
#ifndef KEDGE_EDIT_H
#define KEDGE_EDIT_H

#include <stdbool.h>
#include <stddef.h>

enum {
	EDIT_HISTORY_MAX = 1000, /* lines that are remembered */
	EDIT_PROMPT_MAX = 63     /* bytes */
};

enum edit_step {
	EDIT_MORE, /* the line goes on */
	EDIT_LINE, /* Enter: *line is whole, without its end */
	EDIT_END   /* Ctrl-D on an empty line, or the terminal has gone */
};

struct edit;

/* A new editor, or NULL with errno: ENOSYS where kedge was built without one.
 * utf8: the terminal sends and shows UTF-8. */
struct edit *edit_new(bool utf8);

/* Shows the prompt and begins a line; the terminal gives single keys from now on. */
void edit_begin(struct edit *, const char *prompt);

/* Takes a key; the terminal has to be readable. *line is good until the next call. */
enum edit_step edit_key(struct edit *, const char **line, size_t *length);

/* Draws again what stands there, after a change of the terminal's size or a stop. */
void edit_redraw(struct edit *);

/* Forgets what was typed; the terminal is as it was before edit_begin. Idempotent. */
void edit_finish(struct edit *);

/* Adds a line to those that arrow keys bring back. */
void edit_remember(struct edit *, const char *line);

/* Frees; NULL is fine. */
void edit_free(struct edit *);

#endif
