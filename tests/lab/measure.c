/*
 * measure COMMAND [ARG]...: runs it and writes to descriptor 3
 * "wall_us user_us system_us peak_kib status"; status is the exit status or 128 and the signal.
 * Small and started anew for each run, as a child's peak counts its parent's pages before exec.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static long long
us(struct timeval tv)
{
	return tv.tv_sec * 1000000LL + tv.tv_usec;
}

int
main(int argc, char **argv)
{
	struct rusage used;
	long long start = now_us();
	int status;
	pid_t child;

	if (argc < 2)
		return 2;
	child = vfork();
	if (child == 0) {
		close(3);
		execv(argv[1], argv + 1);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &used) < 0)
		return 1;
	start = now_us() - start;
	dprintf(3, "%lld %lld %lld %ld %d\n", start, us(used.ru_utime), us(used.ru_stime), used.ru_maxrss,
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
