/* Files under construction: beside their target, and in a table for the signal handler. */
#include "file_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_TRIES = 100 };

/* The names are in static memory, for the handler. */
static struct {
	volatile sig_atomic_t used;
	char name[PATH_MAX];
} unfinished[FILE_UNFINISHED_MAX];

void
file_unlink_unfinished(void)
{
	for (int i = 0; i < FILE_UNFINISHED_MAX; i++) {
		if (unfinished[i].used)
			unlink(unfinished[i].name);
	}
}

static int
free_slot(void)
{
	for (int i = 0; i < FILE_UNFINISHED_MAX; i++) {
		if (!unfinished[i].used)
			return i;
	}
	return -1;
}

/* Makes it and enters it into the table, with no signal between the two. */
static int
make_new(const char *name, int slot, file_maker *make, void *context)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	error = make(name, context);
	if (!error) {
		memcpy(unfinished[slot].name, name, strlen(name) + 1);
		unfinished[slot].used = 1;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return error;
}

int
file_make_beside(struct file_output *output, file_maker *make, void *context)
{
	const char *slash = strrchr(output->path, '/');
	int folder = slash ? (int)(slash - output->path) + 1 : 0, error = EEXIST;
	char name[PATH_MAX];

	output->slot = free_slot();
	if (output->slot < 0)
		return EMFILE;
	for (int i = 0; i < NAME_TRIES && error == EEXIST; i++) {
		int n = snprintf(name, sizeof name, "%.*s.%s.%ld-%d", folder, output->path, output->path + folder,
		                 (long)getpid(), i);

		if (n < 0 || (size_t)n >= sizeof name)
			return ENAMETOOLONG;
		error = make_new(name, output->slot, make, context);
	}
	if (!error)
		output->temporary = unfinished[output->slot].name;
	return error;
}

struct new_file {
	int fd;
	mode_t mode;
};

static int
make_file(const char *name, void *context)
{
	struct new_file *file = context;

	file->fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file->mode);
	return file->fd < 0 ? errno : 0;
}

int
file_open_beside(struct file_output *output, mode_t mode)
{
	struct new_file file = { -1, mode };
	int error = file_make_beside(output, make_file, &file);

	output->fd = file.fd;
	return error;
}

int
file_flush_folder(const char *path)
{
	size_t length = strlen(path);
	char *folder;
	int fd, error = 0;

	while (length > 1 && path[length - 1] == '/') /* the path of a folder */
		length--;
	while (length > 0 && path[length - 1] != '/')
		length--;
	folder = length > 0 ? strndup(path, length) : strdup(".");
	if (!folder)
		return ENOMEM;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return 0; /* a folder may be written and not read */
	if (fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
		error = errno;
	close(fd);
	return error;
}

int
file_put_in_place(struct file_output *output)
{
	if (rename(output->temporary, output->path) != 0)
		return errno;
	unfinished[output->slot].used = 0;
	output->temporary = NULL;
	return file_flush_folder(output->path);
}

void
file_abort(struct file_output *output)
{
	if (output->fd >= 0)
		close(output->fd);
	output->fd = -1;
	if (output->temporary) {
		unlink(output->temporary);
		unfinished[output->slot].used = 0;
	}
	output->temporary = NULL;
	free(output->path);
	output->path = NULL;
}
