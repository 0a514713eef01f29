#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 10 };

static bool
is_alive(pid_t pid)
{
	return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

/* The number in the file; 0 where there is none. */
static pid_t
noted_pid(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return (pid_t)strtol(text, NULL, 10);
}

static int
try_flock(int fd, pid_t *holder)
{
	int error = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;

	if (error == EWOULDBLOCK)
		*holder = noted_pid(fd);
	return error;
}

static int
try_posix(int fd, pid_t *holder)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLK, &all) == 0)
		return 0;
	if (errno != EACCES && errno != EAGAIN)
		return errno;
	if (fcntl(fd, F_GETLK, &all) == 0 && all.l_type != F_UNLCK)
		*holder = all.l_pid;
	return EWOULDBLOCK;
}

/* Whether what we locked is still the file of this name. */
static bool
is_current(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && lstat(path, &there) == 0 && ours.st_dev == there.st_dev &&
	       ours.st_ino == there.st_ino;
}

static int
open_regular(const char *path, enum lock_kind kind, int *fd)
{
	int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, error = 0;
	struct stat status;

	*fd = open(path, flags | (kind == LOCK_FLOCK ? O_CREAT : 0), 0600);
	if (*fd < 0)
		return errno;
	if (fstat(*fd, &status) != 0)
		error = errno;
	else if (!S_ISREG(status.st_mode))
		error = EINVAL;
	else if (kind == LOCK_FLOCK && status.st_nlink > 1) /* we write into it: by another name it may be anything */
		error = EMLINK;
	if (error)
		close(*fd);
	return error;
}

int
lock_take(struct lock *lock, const char *path, enum lock_kind kind, pid_t *holder)
{
	*lock = (struct lock){ -1, kind };
	*holder = 0;
	for (int i = 0; i < TRIES; i++) {
		int fd, error = open_regular(path, kind, &fd);

		if (error)
			return error;
		error = kind == LOCK_FLOCK ? try_flock(fd, holder) : try_posix(fd, holder);
		if (!error && is_current(fd, path)) {
			lock->fd = fd;
			return 0;
		}
		close(fd);
		if (error) {
			*holder = is_alive(*holder) ? *holder : 0;
			return error;
		}
	}
	return EWOULDBLOCK; /* somebody keeps replacing the file */
}

int
lock_write_pid(const struct lock *lock)
{
	char text[32];
	int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());

	if (ftruncate(lock->fd, 0) != 0)
		return errno;
	return pwrite(lock->fd, text, (size_t)n, 0) == n ? 0 : errno;
}

int
lock_retire(const struct lock *lock, const char *path)
{
	return !is_current(lock->fd, path) || unlink(path) == 0 ? 0 : errno;
}

void
lock_close(struct lock *lock)
{
	if (lock->fd >= 0)
		close(lock->fd);
	lock->fd = -1;
}
