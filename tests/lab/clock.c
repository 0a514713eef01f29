/* Preloaded into a dynamically linked kedge: the time of day is KEDGE_TEST_TIME (seconds since 1970) and stands still. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t
now(void)
{
	const char *text = getenv("KEDGE_TEST_TIME");

	return (time_t)strtoll(text ? text : "0", NULL, 10);
}

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
		return (int)syscall(SYS_clock_gettime, clock, ts);
	ts->tv_sec = now();
	ts->tv_nsec = 0;
	return 0;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	(void)zone;
	tv->tv_sec = now();
	tv->tv_usec = 0;
	return 0;
}

time_t
time(time_t *out)
{
	if (out)
		*out = now();
	return now();
}
