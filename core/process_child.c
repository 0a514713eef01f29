#include "process_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	STATUS_NOT_RUN = 127,     /* as a shell's */
	DESCRIPTORS_MAX = 65536   /* looked at one by one where the kernel has no close_range */
};

#define RANGE_CLOEXEC 4U /* CLOSE_RANGE_CLOEXEC, which older headers lack */
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Where the program may be: in the parent, before the fork. */

static const char *
path_of(const char *const *environment)
{
	for (; *environment; environment++) {
		if (strncmp(*environment, "PATH=", 5) == 0)
			return *environment + 5;
	}
	return DEFAULT_PATH;
}

void
process_free_candidates(char **candidates)
{
	for (size_t i = 0; candidates && candidates[i]; i++)
		free(candidates[i]);
	free(candidates);
}

static size_t
count_folders(const char *path)
{
	size_t count = 1;

	for (; *path; path++)
		count += *path == ':';
	return count;
}

/* FOLDER/NAME; an empty folder is the current one. */
static char *
join(const char *folder, size_t length, const char *name)
{
	size_t size = length + strlen(name) + 2;
	char *joined = malloc(size);

	if (joined)
		snprintf(joined, size, "%.*s%s%s", (int)length, folder, length > 0 ? "/" : "", name);
	return joined;
}

char **
process_candidates(const struct process_plan *plan)
{
	const char *name = plan->arguments[0], *path;
	char **found;

	path = path_of(plan->environment ? plan->environment : (const char *const *)environ);
	if (!*name || strchr(name, '/'))
		path = "";
	found = calloc(count_folders(path) + 1, sizeof *found);
	for (size_t i = 0; found; i++) {
		size_t length = strcspn(path, ":");

		found[i] = join(path, length, name);
		if (!found[i]) {
			process_free_candidates(found);
			return NULL;
		}
		path += length;
		if (!*path++)
			break;
	}
	return found;
}

/* In the child. */

_Noreturn static void
give_up(const struct process_child *child, enum process_step step)
{
	struct process_fault fault = { step, errno };
	ssize_t n = write(child->fault, &fault, sizeof fault);

	_exit(n == (ssize_t)sizeof fault ? STATUS_NOT_RUN : STATUS_NOT_RUN - 1);
}

/* A handler of ours must not run here: it would unlink our files. What was ignored when kedge began stays so. */
static void
reset_signals(void)
{
	struct sigaction standard = { .sa_handler = SIG_DFL }, now;
	sigset_t none;

	for (int number = 1; number < NSIG; number++) {
		if (sigaction(number, NULL, &now) == 0 && (now.sa_handler != SIG_IGN || number == SIGPIPE))
			sigaction(number, &standard, NULL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
close_at_exec(void)
{
	struct rlimit most;
	int last = DESCRIPTORS_MAX;

#ifdef SYS_close_range
	if (syscall(SYS_close_range, 3U, ~0U, RANGE_CLOEXEC) == 0)
		return;
#endif
	if (getrlimit(RLIMIT_NOFILE, &most) == 0 && most.rlim_cur < DESCRIPTORS_MAX)
		last = (int)most.rlim_cur;
	for (int fd = 3; fd < last; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* As execvp, without its shell for what is no program. */
static void
execute(const struct process_child *child)
{
	const struct process_plan *plan = child->plan;
	char *const *environment = plan->environment ? (char *const *)(uintptr_t)plan->environment : environ;
	bool refused = false;

	for (char **path = child->candidates; *path; path++) {
		execve(*path, (char *const *)(uintptr_t)plan->arguments, environment);
		if (errno == EACCES)
			refused = true;
		else if (errno != ENOENT && errno != ENOTDIR && errno != ESTALE && errno != ENODEV && errno != ETIMEDOUT)
			return;
	}
	if (refused)
		errno = EACCES;
}

_Noreturn void
process_be_child(const struct process_child *child)
{
	const struct process_plan *plan = child->plan;

	setpgid(0, 0);
	reset_signals();
	dup2(child->input, STDIN_FILENO);
	dup2(child->output, STDOUT_FILENO);
	dup2(child->errors, STDERR_FILENO);
	close_at_exec();
	for (size_t i = 0; i < plan->keep_count; i++)
		fcntl(plan->keep[i], F_SETFD, 0);
	if (plan->root && (chroot(plan->root) != 0 || chdir("/") != 0))
		give_up(child, PROCESS_ROOT);
	if (plan->folder && chdir(plan->folder) != 0)
		give_up(child, PROCESS_FOLDER);
	execute(child);
	give_up(child, PROCESS_PROGRAM);
}
