/*
 * Program text that kedge may run. Root runs only what root alone can change:
 * the file, every folder on the way to it and every symbolic link that was
 * followed belong to root, and nobody else may write them. A sticky folder
 * (/tmp) may be written by all, since what root has in it can't be taken away
 * or replaced; but a second name of a file (a hard link) could be put there by
 * anybody, so none is taken from one.
 */
#ifndef KEDGE_ADMIT_H
#define KEDGE_ADMIT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { ADMIT_LINKS_MAX = 40 }; /* symbolic links followed for one path, as in the kernel */

enum admit {
	ADMIT_GOOD,
	ADMIT_SYSTEM, /* fault.error says */
	ADMIT_FOLDER, /* not a regular file */
	ADMIT_FIFO,
	ADMIT_DEVICE,   /* a device or a socket */
	ADMIT_OWNER,    /* fault.path belongs to fault.owner */
	ADMIT_WRITABLE, /* others may write fault.path */
	ADMIT_HARD_LINK /* a file of several names, in a folder that others may write */
};

struct admit_fault {
	char path[PATH_MAX]; /* what it is about, as it was found */
	int error;
	uid_t owner;
};

/* Finds `path`: *resolved is its absolute path without symbolic links, the
 * caller's to free. With `guarded` the rules above hold; without, it only has to be a
 * regular file. A FIFO or a device is never opened. */
enum admit admit_find(const char *path, bool guarded, char **resolved, struct admit_fault *fault);

#endif
