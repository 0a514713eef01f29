#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_inside.h"

enum { READ_STEP = 16384 };

/* Reading. */

/* Room for another step; the last byte is for the NUL. */
static int
grow(struct file_reading *reading)
{
	size_t size = reading->size ? 2 * reading->size : READ_STEP;
	char *larger;

	if (reading->size - reading->length >= 2)
		return 0;
	larger = realloc(reading->text, size);
	if (!larger)
		return ENOMEM;
	reading->text = larger;
	reading->size = size;
	return 0;
}

/* Whether a FIFO that gave nothing is at its end, or nobody has opened it to write yet. */
static bool
has_ended(const struct file_reading *reading)
{
	struct pollfd entry = { .fd = reading->fd, .events = POLLIN };
	struct stat status;

	if (reading->length > 0 || fstat(reading->fd, &status) != 0 || !S_ISFIFO(status.st_mode))
		return true;
	return poll(&entry, 1, 0) != 0;
}

int
file_read_begin(struct file_reading *reading, const char *path, size_t limit)
{
	*reading = (struct file_reading){ .limit = limit };
	reading->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return reading->fd < 0 ? errno : 0;
}

int
file_read_on(struct file_reading *reading)
{
	for (;;) {
		int error = grow(reading);
		ssize_t n;

		if (error)
			return error;
		n = read(reading->fd, reading->text + reading->length, reading->size - reading->length - 1);
		if (n == 0) {
			reading->text[reading->length] = '\0';
			return has_ended(reading) ? 0 : EAGAIN;
		}
		if (n < 0 && errno != EINTR)
			return errno;
		reading->length += n > 0 ? (size_t)n : 0;
		if (reading->length > reading->limit)
			return EFBIG;
	}
}

void
file_read_end(struct file_reading *reading)
{
	if (reading->fd >= 0)
		close(reading->fd);
	reading->fd = -1;
	free(reading->text);
	reading->text = NULL;
}

int
file_read(const char *path, size_t limit, char **text, size_t *length)
{
	struct file_reading reading;
	int error = file_read_begin(&reading, path, limit);

	if (!error) {
		while ((error = file_read_on(&reading)) == EAGAIN)
			file_wait(reading.fd, false);
	}
	if (!error) {
		*text = reading.text;
		*length = reading.length;
		reading.text = NULL;
	}
	file_read_end(&reading);
	return error;
}

/* The descriptor that /dev/stdout, /dev/fd/3 and their like mean, or -1: to
 * open the name would truncate what it leads to. */
static int
named_descriptor(const char *path)
{
	static const char *const folders[] = { "/dev/fd/", "/proc/self/fd/" };
	static const char *const names[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };

	for (int fd = 0; fd < 3; fd++) {
		if (strcmp(path, names[fd]) == 0)
			return fd;
	}
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		size_t n = strlen(folders[i]);
		char *end;
		long fd;

		if (strncmp(path, folders[i], n) != 0 || path[n] < '0' || path[n] > '9')
			continue;
		fd = strtol(path + n, &end, 10);
		if (!*end && fd <= INT_MAX)
			return (int)fd;
	}
	return -1;
}

static int
open_through(struct file_output *output, const char *path)
{
	int fd = named_descriptor(path);

	output->through = true;
	output->fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	return output->fd < 0 ? errno : 0;
}

/* A link's target is replaced, not the link. What is to replace a file is for
 * nobody else to open until it has that file's mode. */
static int
open_replacement(struct file_output *output, const char *path, bool exists)
{
	output->path = exists ? realpath(path, NULL) : strdup(path);
	if (!output->path)
		return errno;
	if (exists && access(output->path, W_OK) != 0)
		return errno;
	return file_open_beside(output, exists ? 0600 : 0666);
}

/* A link that leads to nothing yet is followed as well. */
static int
open_new(struct file_output *output, const char *path)
{
	char end[PATH_MAX];
	int error = file_follow_links(path, end);

	return error == ENOENT ? open_replacement(output, end, false) : error;
}

int
file_create(struct file_output *output, const char *path)
{
	struct stat status;
	int error;

	*output = (struct file_output){ .fd = -1 };
	if (named_descriptor(path) >= 0) {
		error = open_through(output, path);
	} else if (stat(path, &status) != 0) {
		error = errno == ENOENT ? open_new(output, path) : errno;
	} else if (S_ISDIR(status.st_mode)) {
		error = EISDIR;
	} else if (S_ISREG(status.st_mode)) {
		error = open_replacement(output, path, true);
		if (!error && fchmod(output->fd, status.st_mode & 0777) != 0)
			error = errno;
	} else {
		error = open_through(output, path);
	}
	if (error)
		file_abort(output);
	return error;
}

int
file_replace(struct file_output *output, const char *path)
{
	struct stat status;
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), error = 0;

	*output = (struct file_output){ .fd = -1 };
	if (from < 0)
		return errno;
	if (fstat(from, &status) != 0)
		error = errno;
	else if (!S_ISREG(status.st_mode))
		error = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
	if (!error)
		error = file_follow_links(path, NULL);
	if (!error)
		error = open_replacement(output, path, true);
	if (!error)
		error = file_keep_identity(from, output->fd, &status);
	close(from);
	if (error)
		file_abort(output);
	return error;
}

int
file_commit(struct file_output *output)
{
	int error = 0;

	if (!output->through && fsync(output->fd) != 0)
		error = errno;
	if (close(output->fd) != 0 && !error)
		error = errno;
	output->fd = -1;
	if (!error && output->temporary)
		error = file_put_in_place(output);
	file_abort(output);
	return error;
}

/* Descriptors that are shared with others, and so stay blocking. */

/* True when fd is ready, or in an error that the call itself will tell. */
static bool
ready(int fd, short events)
{
	struct pollfd entry = { .fd = fd, .events = events };

	return poll(&entry, 1, 0) != 0;
}

ssize_t
file_try_write(int fd, const void *data, size_t length)
{
	if (!ready(fd, POLLOUT)) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, data, length < FILE_CHUNK ? length : FILE_CHUNK);
}

ssize_t
file_try_read(int fd, void *data, size_t length)
{
	if (!ready(fd, POLLIN)) {
		errno = EAGAIN;
		return -1;
	}
	return read(fd, data, length);
}

int
file_wait(int fd, bool writing)
{
	struct pollfd entry = { .fd = fd, .events = writing ? POLLOUT : POLLIN };

	while (poll(&entry, 1, -1) < 0) {
		if (errno != EINTR)
			return errno;
	}
	return 0;
}

/* Places. */

static void
set_place(struct file_place *place, const struct stat *status)
{
	place->device = (uint64_t)status->st_dev;
	place->inode = (uint64_t)status->st_ino;
	place->name = NULL;
}

int
file_place_of(int fd, struct file_place *place)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return errno;
	set_place(place, &status);
	return 0;
}

/* A file that doesn't exist yet: its folder and its name. */
static int
place_in_folder(const char *path, struct file_place *place)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	struct stat status;
	int error = 0;

	if (!folder)
		return ENOMEM;
	if (stat(folder, &status) != 0)
		error = errno;
	free(folder);
	if (error)
		return error;
	set_place(place, &status);
	place->name = strdup(slash ? slash + 1 : path);
	return place->name ? 0 : ENOMEM;
}

int
file_place(const char *path, struct file_place *place)
{
	char end[PATH_MAX];
	struct stat status;
	int fd = named_descriptor(path), error;

	if (fd >= 0)
		return file_place_of(fd, place);
	if (stat(path, &status) == 0) {
		set_place(place, &status);
		return 0;
	}
	if (errno != ENOENT)
		return errno;
	error = file_follow_links(path, end);
	return error == ENOENT ? place_in_folder(end, place) : error;
}

int
file_width(int fd)
{
	struct winsize size;

	return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
