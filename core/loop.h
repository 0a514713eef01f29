/*
 * The event loop and the clocks: libev, one loop a process, owned by whoever
 * made it. Signals arrive through the loop, so that a report can be written.
 */
#ifndef KEDGE_LOOP_H
#define KEDGE_LOOP_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

typedef void loop_signal(int number, void *context);

struct loop {
	struct ev_loop *ev;
	struct ev_async signalled;
	loop_signal *on_signal;
	void *context;
};

/* Makes the loop; 0 or an errno. */
int loop_open(struct loop *);

/* Ends the loop; every watcher has to be stopped by its owner before. */
void loop_close(struct loop *);

/* Calls what became due, after waiting for it if wait is set. Returns false
 * when nothing is being waited for any more. */
bool loop_turn(struct loop *, bool wait);

/* What a signal's handler calls; async-signal-safe, NULL: nothing. */
struct loop_handlers {
	void (*at_first)(void); /* the first signal */
	void (*at_once)(void);  /* a second one, before the process ends by it */
};

/* The first SIGINT or SIGTERM makes `call` from the loop, a second one ends
 * the process at once, by that signal. One that is ignored stays so. 0 or an errno. */
int loop_catch(struct loop *loop, loop_signal *call, void *context, const struct loop_handlers *);

/* The signal was dealt with: the next one is a first one again. */
void loop_forget_signal(void);

/* Ends the process by the given signal, as a shell expects of an interrupted program. */
_Noreturn void loop_die(int number);

/* Seconds of a clock that never jumps, from an arbitrary start. */
double loop_now(void);

/* The device's clock: seconds since 1970-01-01T00:00:00Z, 64 bits whatever time_t is. */
int64_t loop_time(void);

#endif
