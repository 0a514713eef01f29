#ifndef KEDGE_STREAM_H
#define KEDGE_STREAM_H

#include <stddef.h>
#include <sys/types.h>

/* A byte stream that never blocks: a socket, TLS over one, a test's script.
 * Layers are stacked by handing each the stream below it; the maker of a
 * stream owns and closes it. */

/* what read and write return besides a count */
enum {
	STREAM_AGAIN = -1, /* not now: wait until the descriptor is ready */
	STREAM_FAILED = -2, /* broken for good: errno says why, a layer's own info says more */
};

struct stream {
	/* Reads at most n (> 0) bytes: > 0 their number, 0 at the end of the
	 * stream, or STREAM_AGAIN or STREAM_FAILED. */
	ssize_t (*read)(struct stream *self, void *to, size_t n);
	/* Writes at most n (> 0) bytes: the number that was taken (> 0), or
	 * STREAM_AGAIN or STREAM_FAILED. */
	ssize_t (*write)(struct stream *self, const void *from, size_t n);
};

#endif
