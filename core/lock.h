/*
 * Locks between processes, on files. The kernel lets them go when their
 * process has ended, however it ended.
 */
#ifndef KEDGE_LOCK_H
#define KEDGE_LOCK_H

#include <sys/types.h>

enum lock_kind {
	LOCK_FLOCK, /* flock(2): a child that inherits the descriptor holds the lock too */
	LOCK_POSIX  /* fcntl(2), as dpkg's: this process alone; closing any descriptor of the file lets it go */
};

struct lock {
	int fd; /* -1: not held */
	enum lock_kind kind;
};

/*
 * Takes a lock without waiting: 0, or an errno. EWOULDBLOCK: somebody else has
 * it; *holder is a living process that is known to, else 0. A file for flock
 * is made if need be (0600); for POSIX it must be there. Never through a
 * symbolic link (ELOOP). EINVAL: not a regular file.
 * EMLINK: a file for flock that has a second name.
 */
int lock_take(struct lock *, const char *path, enum lock_kind kind, pid_t *holder);

/* Writes our process's number into the file of a held flock, for others to name it; 0 or an errno. */
int lock_write_pid(const struct lock *);

/*
 * Takes away the file of a held flock, if `path` is still its name: whoever
 * inherited the lock then has one that nobody asks for any more, and the next
 * lock_take makes a new file. Nothing may be done under the lock from here on.
 * 0 or an errno.
 */
int lock_retire(const struct lock *, const char *path);

/* Lets it go, unless a child holds it; harmless a second time. The file stays. */
void lock_close(struct lock *);

#endif
