#include "process_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	READ_MAX = 16384,  /* bytes of one read, so that a flood doesn't hold up the loop */
	REAP_TRIES = 1000  /* of a millisecond each: what SIGKILL doesn't end hangs in the kernel */
};

#define LOOK_SECONDS 0.02 /* between two looks for the child's end, without pidfd */

static bool
is_running(const struct loop *loop)
{
	return loop && loop->ev; /* at the end of the Lua state the loop may be gone first */
}

/* The end. */

static void
close_watcher(struct process *process, ev_io *watcher)
{
	if (watcher->fd < 0)
		return;
	if (is_running(process->loop))
		ev_io_stop(process->loop->ev, watcher);
	close(watcher->fd);
	watcher->fd = -1;
}

static void
stop_timer(struct process *process, ev_timer *timer)
{
	if (is_running(process->loop))
		ev_timer_stop(process->loop->ev, timer);
}

/* Until here the child was a zombie at most, so that its number named nobody else's group. */
static void
reap(struct process *process)
{
	struct pollfd ended = { .fd = process->ended.fd, .events = POLLIN };

	for (int i = 0; i < REAP_TRIES; i++) {
		if (waitpid(process->pid, NULL, WNOHANG) != 0)
			break;
		poll(&ended, 1, 1);
		if (ended.revents)
			ended.fd = -1; /* it is a matter of moments now */
	}
	process->pid = 0;
}

static void
kill_group(const struct process *process, int number)
{
	if (process->pid > 0)
		kill(-process->pid, number);
}

/* Lets everything go but the texts. */
static void
finish(struct process *process, bool killing)
{
	stop_timer(process, &process->deadline);
	stop_timer(process, &process->grace);
	stop_timer(process, &process->look);
	close_watcher(process, &process->input);
	close_watcher(process, &process->output.watcher);
	close_watcher(process, &process->errors.watcher);
	close_watcher(process, &process->fault_pipe);
	if (killing)
		kill_group(process, SIGKILL);
	if (process->pid > 0)
		reap(process);
	close_watcher(process, &process->ended);
	process->over = true;
}

void
process_close(struct process *process)
{
	if (process->loop && !process->over)
		finish(process, true);
	process_text_close(&process->output.text);
	process_text_close(&process->errors.text);
	process->loop = NULL;
}

static void
start_timer(struct process *process, ev_timer *timer, double seconds)
{
	ev_now_update(process->loop->ev);
	ev_timer_set(timer, seconds, 0.);
	ev_timer_start(process->loop->ev, timer);
}

/* What is left to be known when the child has ended. */
static void
consider(struct process *process)
{
	if (!process->exited || process->over)
		return;
	if (process->output.watcher.fd < 0 && process->errors.watcher.fd < 0) {
		finish(process, process->timed_out);
		process->on_end(process->context);
	} else if (!process->timed_out && !ev_is_active(&process->grace)) {
		start_timer(process, &process->grace, PROCESS_GRACE);
	}
}

static void
on_grace(struct ev_loop *ev, ev_timer *timer, int events)
{
	struct process *process = timer->data;

	(void)ev;
	(void)events;
	finish(process, process->timed_out);
	process->on_end(process->context);
}

static void
on_deadline(struct ev_loop *ev, ev_timer *timer, int events)
{
	struct process *process = timer->data;

	(void)ev;
	(void)events;
	if (process->timed_out) {
		kill_group(process, SIGKILL);
		start_timer(process, &process->grace, PROCESS_GRACE);
	} else if (!process->exited) {
		process->timed_out = true;
		kill_group(process, SIGTERM);
		kill_group(process, SIGCONT); /* a stopped one would not hear it */
		start_timer(process, &process->deadline, PROCESS_MERCY);
	}
}

/* The child. */

/* It is not reaped yet: until the end its number has to be ours. */
static void
look_for_end(struct process *process)
{
	siginfo_t info = { 0 };

	if (process->exited)
		return;
	if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
		process->pid = 0; /* somebody else reaped it: how it ended is lost */
	else if (info.si_pid == 0)
		return;
	else if (info.si_code == CLD_EXITED)
		process->status = info.si_status;
	else
		process->signal = info.si_status;
	process->exited = true;
	stop_timer(process, &process->look);
	if (process->ended.fd >= 0)
		ev_io_stop(process->loop->ev, &process->ended);
}

/* What the child wrote of its fault, or nothing where it came to exec. */
static void
read_fault(struct process *process)
{
	struct process_fault *fault = &process->fault;

	if (process->fault_pipe.fd < 0)
		return;
	if (read(process->fault_pipe.fd, fault, sizeof *fault) != (ssize_t)sizeof *fault)
		*fault = (struct process_fault){ PROCESS_RUNS, 0 };
	close_watcher(process, &process->fault_pipe);
}

static void
on_fault(struct ev_loop *ev, ev_io *watcher, int events)
{
	(void)ev;
	(void)events;
	read_fault(watcher->data);
}

static void
on_ended(struct ev_loop *ev, ev_io *watcher, int events)
{
	struct process *process = watcher->data;

	(void)ev;
	(void)events;
	look_for_end(process);
	read_fault(process);
	consider(process);
}

static void
on_look(struct ev_loop *ev, ev_timer *timer, int events)
{
	struct process *process = timer->data;

	(void)ev;
	(void)events;
	look_for_end(process);
	if (process->exited)
		read_fault(process);
	consider(process);
}

/* Its streams. */

static void
on_output(struct ev_loop *ev, ev_io *watcher, int events)
{
	struct process *process = watcher->data;
	struct process_stream *stream =
		watcher == &process->output.watcher ? &process->output : &process->errors;
	char bytes[READ_MAX];
	ssize_t n = read(watcher->fd, bytes, sizeof bytes);

	(void)ev;
	(void)events;
	if (n > 0) {
		process_text_add(&stream->text, bytes, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close_watcher(process, watcher);
		consider(process);
	}
}

static void
on_input(struct ev_loop *ev, ev_io *watcher, int events)
{
	struct process *process = watcher->data;
	ssize_t n = write(watcher->fd, process->rest, process->rest_length);

	(void)ev;
	(void)events;
	if (n >= 0) {
		process->rest += n;
		process->rest_length -= (size_t)n;
	}
	if (process->rest_length == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_watcher(process, watcher);
}

/* The beginning. */

enum { READ_END, WRITE_END };

struct pipes {
	int input[2], output[2], errors[2], fault[2];
};

/* Keeps 0 to 2 free for the child. */
static int
move_up(int *fd)
{
	int higher;

	if (*fd > STDERR_FILENO)
		return 0;
	higher = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (higher < 0)
		return errno;
	close(*fd);
	*fd = higher;
	return 0;
}

/* `ours` is the end that must not block. */
static int
open_pipe(int fds[2], int ours)
{
	int error;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return errno;
	error = move_up(&fds[0]);
	if (!error)
		error = move_up(&fds[1]);
	if (!error && fcntl(fds[ours], F_SETFL, O_NONBLOCK) != 0)
		error = errno;
	return error;
}

/* /dev/null, or where there is none a pipe that is at its end. */
static int
open_input(int fds[2], const char *input)
{
	if (!input) {
		fds[READ_END] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fds[READ_END] >= 0)
			return move_up(&fds[READ_END]);
	}
	return open_pipe(fds, WRITE_END);
}

static void
close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
close_pipes(struct pipes *pipes)
{
	for (int i = 0; i < 2; i++) {
		close_end(&pipes->input[i]);
		close_end(&pipes->output[i]);
		close_end(&pipes->errors[i]);
		close_end(&pipes->fault[i]);
	}
}

static int
open_pipes(struct pipes *pipes, const struct process_plan *plan)
{
	int error = open_input(pipes->input, plan->input);

	if (!error)
		error = open_pipe(pipes->output, READ_END);
	if (!error && !plan->merge)
		error = open_pipe(pipes->errors, READ_END);
	if (!error)
		error = open_pipe(pipes->fault, READ_END);
	return error;
}

/* Where SIGCHLD is ignored, the kernel reaps children and their status is lost. */
static void
keep_zombies(void)
{
	struct sigaction now;

	if (sigaction(SIGCHLD, NULL, &now) == 0 && (now.sa_handler == SIG_IGN || (now.sa_flags & SA_NOCLDWAIT)))
		signal(SIGCHLD, SIG_DFL);
}

/* No signal meets the child before it has its own ways. */
static int
start_child(struct process *process, const struct process_plan *plan, const struct pipes *pipes)
{
	struct process_child child = { plan, process_candidates(plan), pipes->input[READ_END], pipes->output[WRITE_END],
		plan->merge ? pipes->output[WRITE_END] : pipes->errors[WRITE_END], pipes->fault[WRITE_END] };
	sigset_t all, before;
	int error = 0;

	if (!child.candidates)
		return ENOMEM;
	keep_zombies();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	process->pid = fork();
	if (process->pid == 0)
		process_be_child(&child);
	if (process->pid < 0)
		error = errno;
	else
		setpgid(process->pid, process->pid); /* whoever of the two comes first */
	sigprocmask(SIG_SETMASK, &before, NULL);
	process_free_candidates(child.candidates);
	return error;
}

static void
watch(struct process *process, ev_io *watcher, void (*call)(struct ev_loop *, ev_io *, int), int *fd, int events)
{
	ev_io_init(watcher, call, *fd, events);
	watcher->data = process;
	if (*fd >= 0)
		ev_io_start(process->loop->ev, watcher);
	*fd = -1;
}

/* A descriptor that is readable when the child has ended: Linux 5.3; else a timer. */
static void
watch_end(struct process *process)
{
	int fd = -1;

#ifdef SYS_pidfd_open
	fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
#endif
	watch(process, &process->ended, on_ended, &fd, EV_READ);
	if (process->ended.fd < 0) {
		ev_timer_set(&process->look, LOOK_SECONDS, LOOK_SECONDS);
		ev_timer_start(process->loop->ev, &process->look);
	}
}

static void
watch_all(struct process *process, const struct process_plan *plan, struct pipes *pipes)
{
	ev_timer_init(&process->deadline, on_deadline, 0., 0.);
	ev_timer_init(&process->grace, on_grace, 0., 0.);
	ev_timer_init(&process->look, on_look, 0., 0.);
	process->deadline.data = process->grace.data = process->look.data = process;
	if (!plan->input || plan->input_length == 0)
		close_end(&pipes->input[WRITE_END]);
	watch(process, &process->input, on_input, &pipes->input[WRITE_END], EV_WRITE);
	watch(process, &process->output.watcher, on_output, &pipes->output[READ_END], EV_READ);
	watch(process, &process->errors.watcher, on_output, &pipes->errors[READ_END], EV_READ);
	watch(process, &process->fault_pipe, on_fault, &pipes->fault[READ_END], EV_READ);
	watch_end(process);
	if (plan->timeout >= 0)
		start_timer(process, &process->deadline, plan->timeout);
}

int
process_start(struct process *process, struct loop *loop, const struct process_plan *plan, process_call *on_end,
              void *context)
{
	struct pipes pipes = { { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } };
	int error;

	*process = (struct process){ .on_end = on_end, .context = context, .rest = plan->input,
		.rest_length = plan->input_length, .status = -1, .signal = -1 };
	error = process_text_open(&process->output.text, plan->limit);
	if (!error)
		error = process_text_open(&process->errors.text, plan->limit);
	if (!error)
		error = open_pipes(&pipes, plan);
	if (!error)
		error = start_child(process, plan, &pipes);
	if (!error) {
		process->loop = loop;
		watch_all(process, plan, &pipes);
	} else {
		process_close(process);
	}
	close_pipes(&pipes);
	return error;
}
