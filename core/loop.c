#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* One set for the process, as signals are: the handler reaches nothing else. */
static volatile sig_atomic_t received;
static struct loop *catcher;
static struct loop_handlers handlers;

int
loop_open(struct loop *loop)
{
	*loop = (struct loop){ .ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV | EVFLAG_NOSIGMASK) };
	return loop->ev ? 0 : (errno ? errno : ENOMEM);
}

static void on_signal(int number);

/* What was ignored when kedge began stays so: a shell's job in the background, nohup. */
static int
take(int number, const struct sigaction *action)
{
	struct sigaction now;

	if (sigaction(number, NULL, &now) != 0)
		return errno;
	if (now.sa_handler == SIG_IGN)
		return 0;
	return sigaction(number, action, NULL) == 0 ? 0 : errno;
}

static void
release(int number)
{
	struct sigaction now;

	if (sigaction(number, NULL, &now) == 0 && now.sa_handler == on_signal)
		signal(number, SIG_DFL);
}

void
loop_close(struct loop *loop)
{
	if (!loop->ev)
		return;
	if (catcher == loop) {
		release(SIGINT);
		release(SIGTERM);
		catcher = NULL;
		ev_ref(loop->ev);
		ev_async_stop(loop->ev, &loop->signalled);
	}
	ev_loop_destroy(loop->ev);
	loop->ev = NULL;
}

bool
loop_turn(struct loop *loop, bool wait)
{
	return ev_run(loop->ev, wait ? EVRUN_ONCE : EVRUN_NOWAIT);
}

static void
on_signal(int number)
{
	int saved = errno;

	if (received || !catcher) {
		if (handlers.at_once)
			handlers.at_once();
		signal(number, SIG_DFL);
		raise(number);
	} else {
		received = number;
		if (handlers.at_first)
			handlers.at_first();
		ev_async_send(catcher->ev, &catcher->signalled);
	}
	errno = saved;
}

static void
on_async(struct ev_loop *ev, struct ev_async *watcher, int events)
{
	struct loop *loop = watcher->data;

	(void)ev;
	(void)events;
	if (received && loop->on_signal)
		loop->on_signal(received, loop->context);
}

int
loop_catch(struct loop *loop, loop_signal *call, void *context, const struct loop_handlers *called)
{
	struct sigaction action = { .sa_handler = on_signal };
	int error;

	loop->on_signal = call;
	loop->context = context;
	catcher = loop;
	handlers = *called;
	if (!ev_is_active(&loop->signalled)) {
		ev_async_init(&loop->signalled, on_async);
		loop->signalled.data = loop;
		ev_async_start(loop->ev, &loop->signalled);
		ev_unref(loop->ev); /* waiting for a signal alone is no reason to go on */
	}
	sigemptyset(&action.sa_mask);
	action.sa_flags = SA_NODEFER;
	error = take(SIGINT, &action);
	return error ? error : take(SIGTERM, &action);
}

void
loop_forget_signal(void)
{
	received = 0;
}

_Noreturn void
loop_die(int number)
{
	sigset_t set;

	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(number);
	_exit(128 + number); /* only where the signal was one that doesn't end a process */
}

double
loop_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int64_t
loop_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec;
}
