/* What happens in the child, for core/process. */
#ifndef KEDGE_PROCESS_INSIDE_H
#define KEDGE_PROCESS_INSIDE_H

#include "process.h"

struct process_child {
	const struct process_plan *plan;
	char **candidates;           /* paths to try, NULL at the end */
	int input, output, errors;   /* what becomes 0, 1 and 2; all above 2 */
	int fault;                   /* where a struct process_fault is written if it doesn't come to exec */
};

/* The paths that `plan`'s program may have; NULL: no memory. Free with process_free_candidates. */
char **process_candidates(const struct process_plan *plan);
void process_free_candidates(char **candidates);

/* Between fork and exec, every signal blocked: only async-signal-safe calls. */
_Noreturn void process_be_child(const struct process_child *);

#endif
