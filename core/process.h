/*
 * Another program, started and waited for by the loop: its outputs are kept
 * within a bound, its time is limited, and its whole process group ends with
 * it where it has to be stopped. Nothing here needs /proc. The caller sees to
 * it that a write to a closed pipe (SIGPIPE) doesn't end the process.
 */
#ifndef KEDGE_PROCESS_H
#define KEDGE_PROCESS_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "loop.h"

enum {
	PROCESS_LIMIT = 64 << 10,     /* bytes of an output that are kept unless the caller says otherwise */
	PROCESS_LIMIT_MAX = 16 << 20
};

#define PROCESS_MERCY 2.0 /* seconds between SIGTERM and SIGKILL */
#define PROCESS_GRACE 1.0 /* seconds that outputs are read on after the end: others may hold them open for ever */

struct process_plan {
	const char *const *arguments;   /* NULL at the end; the first is the program, looked for in PATH as by execvp */
	const char *const *environment; /* NULL at the end; NULL: ours */
	const char *root, *folder;      /* chroot and chdir before; NULL: none. The program is looked for behind them */
	const char *input;              /* the caller's until the end; NULL: /dev/null */
	size_t input_length;
	bool merge;                     /* errors go into the output */
	const int *keep;                /* descriptors that the program inherits; all others from 3 on are closed */
	size_t keep_count;
	double timeout;                 /* seconds; < 0: none */
	size_t limit;                   /* 1 to PROCESS_LIMIT_MAX */
};

/* An output: the first half of `limit` bytes, and the last half. */
struct process_text {
	char *bytes;
	size_t limit;
	size_t total; /* what came in all */
};

/* What went wrong before the program ran. */
enum process_step { PROCESS_RUNS, PROCESS_ROOT, PROCESS_FOLDER, PROCESS_PROGRAM };

struct process_fault {
	enum process_step step;
	int error;
};

struct process_stream {
	ev_io watcher; /* watcher.fd is -1 once it is at its end */
	struct process_text text;
};

typedef void process_call(void *context);

struct process {
	struct loop *loop;
	process_call *on_end;
	void *context;
	pid_t pid;                    /* 0 once it is reaped */
	struct process_stream output, errors;
	ev_io input, fault_pipe, ended;
	ev_timer deadline, grace, look; /* look: where the kernel has no pidfd */
	const char *rest;             /* of the input */
	size_t rest_length;
	bool over, exited, timed_out;
	int status, signal;           /* of the child; one is -1 where the other is known, both where it didn't end */
	struct process_fault fault;
};

/*
 * Starts a program: 0, or an errno where there is no pipe, memory or process;
 * then there is nothing to close. What fails later, up to its exec, is in
 * `fault`. on_end is called once, from the loop, when the program has ended
 * and so have its outputs, or PROCESS_GRACE is over. After `timeout` the group
 * gets SIGTERM, PROCESS_MERCY later SIGKILL.
 */
int process_start(struct process *, struct loop *, const struct process_plan *, process_call *on_end, void *context);

/* Kills the whole group with SIGKILL unless it is over, and reaps; on_end is
 * not called. Harmless a second time; a struct of zeros may be closed. */
void process_close(struct process *);

/* 0 or ENOMEM; free with process_text_close. */
int process_text_open(struct process_text *, size_t limit);
void process_text_close(struct process_text *);
void process_text_add(struct process_text *, const char *bytes, size_t length);

/* The text that was kept, with a line in the middle that says how much was left
 * out, if any; the caller's to free. NULL: no memory. */
char *process_text_whole(const struct process_text *, size_t *length);

#endif
