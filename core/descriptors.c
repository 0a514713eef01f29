#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

/* Descriptors that are in use below `most`. */
static long
count_used(long most)
{
	long used = 0;

	for (long fd = 0; fd < most; fd++) {
		if (fcntl((int)fd, F_GETFD) != -1 || errno != EBADF)
			used++;
	}
	return used;
}

static rlim_t
smaller(rlim_t a, rlim_t b)
{
	return a < b ? a : b;
}

/* Only the low ones are counted: the kernel hands out the lowest that is free,
 * so that with a limit far above what is wanted nothing has to be known of the rest. */
long
descriptors_free(long wanted)
{
	const long slack = 4096; /* more than ever are open at once before the first check */
	struct rlimit limit;
	long used, room;

	if (wanted < 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return wanted;
	if (limit.rlim_cur >= (rlim_t)(wanted + slack))
		return wanted;
	used = count_used((long)smaller(limit.rlim_cur, (rlim_t)slack));
	if (limit.rlim_cur < (rlim_t)(used + wanted) && limit.rlim_cur < limit.rlim_max) {
		const rlim_t before = limit.rlim_cur;

		limit.rlim_cur = smaller((rlim_t)(used + wanted), limit.rlim_max);
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			limit.rlim_cur = before;
	}
	room = (long)smaller(limit.rlim_cur, (rlim_t)(used + wanted)) - used;
	return room > 0 ? room : 0;
}
