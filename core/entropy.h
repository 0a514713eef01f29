#ifndef KEDGE_ENTROPY_H
#define KEDGE_ENTROPY_H

#include <stddef.h>

enum { ENTROPY_MOST = 256 }; /* bytes: getrandom(2) never gives less than was asked up to here */

/* Fills `to` with n (<= ENTROPY_MOST) bytes of the kernel's randomness, all or
 * none, without waiting. Returns 0, EAGAIN while the kernel isn't seeded yet
 * (early boot: try again until the deadline), or another errno. There is no
 * fallback to a weaker source. */
int entropy_fill(void *to, size_t n);

#endif
