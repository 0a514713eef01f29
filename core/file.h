/*
 * Files as a report needs them: read whole within a bound, written whole or
 * not at all. A file under construction stands beside its target and is
 * renamed when it is finished; a table of these is kept so that a signal
 * handler can unlink them. Functions give 0 or an errno unless said otherwise.
 */
#ifndef KEDGE_FILE_H
#define KEDGE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	FILE_UNFINISHED_MAX = 32, /* outputs under construction at once */
	FILE_CHUNK = 4096         /* one write to a pipe that poll called writable does not block up to PIPE_BUF */
};

/* Reads the whole file, at most `limit` bytes (EFBIG beyond it); *text is the
 * caller's to free, NUL-terminated. A FIFO or device is waited for, here. */
int file_read(const char *path, size_t limit, char **text, size_t *length);

/* The same for who waits elsewhere. */
struct file_reading {
	int fd;
	char *text; /* whole, and NUL-terminated, once file_read_on gave 0 */
	size_t length, size, limit;
};

int file_read_begin(struct file_reading *, const char *path, size_t limit);

/* EAGAIN: again when fd is readable. */
int file_read_on(struct file_reading *);

/* Closes, and frees the text unless it was taken out. Harmless a second time. */
void file_read_end(struct file_reading *);

struct file_output {
	int fd;
	bool through;    /* not a regular file: written in place, nothing to rename */
	char *path;      /* what a commit renames to; symbolic links resolved */
	char *temporary; /* NULL once committed or when through */
	int slot;        /* in the table of unfinished files */
};

/* Opens an output for `path`: beside it, or in place if it isn't a regular
 * file (a FIFO, a device, /dev/stdout and /dev/fd/N). Symbolic links are
 * followed, and stay; ELOOP for one that leads to nothing yet, in a folder where
 * others may write. EMFILE: too many. */
int file_create(struct file_output *, const char *path);

/* Opens an output that takes the place of a regular file and keeps its owner,
 * mode and extended attributes (access lists, SELinux's label); EPERM and the
 * like where they can't be kept. Symbolic links are followed, and stay; ELOOP
 * for one in a folder where others may write. EINVAL: not a regular file. */
int file_replace(struct file_output *, const char *path);

/* Makes the file appear under its name, file and folder flushed to the disk; closes. */
int file_commit(struct file_output *);

/* Closes and forgets what was written. Harmless after file_commit or a second time. */
void file_abort(struct file_output *);

/* Unlinks everything under construction; async-signal-safe. */
void file_unlink_unfinished(void);

/* Writes at most FILE_CHUNK bytes, if that needs no waiting; count, or -1 and
 * errno: EAGAIN when it has to be waited for. The descriptor's flags are left alone. */
ssize_t file_try_write(int fd, const void *, size_t);

/* Reads at most `length` bytes if something is there; as file_try_write. 0 at the end. */
ssize_t file_try_read(int fd, void *, size_t length);

/* Blocks until fd can be written to (or read from). */
int file_wait(int fd, bool writing);

/* Where an output goes. */
struct file_place {
	uint64_t device, inode;
	char *name; /* a file that doesn't exist yet: its name, the rest is its folder's; else NULL. The caller's to free */
};

/* Where an output to `path` would go: equal for two names of one place. */
int file_place(const char *path, struct file_place *);

/* The same for an open descriptor. */
int file_place_of(int fd, struct file_place *);

/* Columns of the terminal fd, or 0 if it isn't one or doesn't say. */
int file_width(int fd);

#endif
