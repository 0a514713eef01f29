#include "entropy.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

int
entropy_fill(void *to, size_t n)
{
	ssize_t got;

	if (n > ENTROPY_MOST)
		return EINVAL;
	do {
		got = getrandom(to, n, GRND_NONBLOCK);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno;
	return (size_t)got == n ? 0 : EIO;
}
