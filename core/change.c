#include "change.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "file_inside.h"

enum { CHUNK = 65536 };

static int
is_folder(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return errno;
	return S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
}

int
change_make_folder(const char *path, mode_t mode)
{
	mode_t before = umask(0);
	int error = mkdir(path, mode) == 0 ? 0 : errno;

	umask(before);
	if (error == EEXIST)
		return is_folder(path);
	return error ? error : file_flush_folder(path);
}

/* What a removal gave: nothing there is as good as removed. */
static int
after_removal(int result, const char *path)
{
	if (result != 0)
		return errno == ENOENT ? 0 : errno;
	return file_flush_folder(path);
}

int
change_remove(const char *path)
{
	return after_removal(unlink(path), path);
}

int
change_remove_folder(const char *path)
{
	return after_removal(rmdir(path), path);
}

int
change_rename(const char *from, const char *to)
{
	int error = rename(from, to) == 0 ? 0 : errno;

	if (!error)
		error = file_flush_folder(to);
	return error ? error : file_flush_folder(from);
}

/* In an image that is somebody else's, the link is theirs as its folder is. */
static int
give_to_folder_owner(const char *name)
{
	const char *slash = strrchr(name, '/');
	char *folder = slash ? strndup(name, (size_t)(slash - name) + 1) : strdup(".");
	struct stat status;
	int error = folder ? 0 : ENOMEM;

	if (!error && stat(folder, &status) != 0)
		error = errno;
	if (!error && geteuid() == 0 && status.st_uid != 0 && lchown(name, status.st_uid, status.st_gid) != 0)
		error = errno;
	free(folder);
	return error;
}

static int
make_link(const char *name, void *context)
{
	const char *target = context;
	int error;

	if (symlink(target, name) != 0)
		return errno;
	error = give_to_folder_owner(name);
	if (error)
		unlink(name);
	return error;
}

int
change_link(const char *target, const char *path)
{
	struct file_output output = { .fd = -1, .path = strdup(path) };
	char *says = strdup(target);
	int error = output.path && says ? file_make_beside(&output, make_link, says) : ENOMEM;

	if (!error)
		error = file_put_in_place(&output);
	file_abort(&output);
	free(says);
	return error;
}

/* Files. */

static int
write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		bytes += n;
		length -= (size_t)n;
	}
	return 0;
}

static int
copy_content(int from, int to)
{
	char *buffer = malloc(CHUNK);
	ssize_t n;
	int error = buffer ? 0 : ENOMEM;

	while (!error) {
		n = read(from, buffer, CHUNK);
		if (n == 0)
			break;
		if (n > 0)
			error = write_all(to, buffer, (size_t)n);
		else if (errno != EINTR)
			error = errno;
	}
	free(buffer);
	return error;
}

/* Content first: a write takes the times away, and rights that are set with the identity. */
static int
copy_all(int from, int to, const struct stat *status)
{
	const struct timespec times[2] = { status->st_atim, status->st_mtim };
	int error = copy_content(from, to);

	if (!error)
		error = file_keep_identity(from, to, status);
	if (!error && futimens(to, times) != 0)
		error = errno;
	return error;
}

static int
open_regular(const char *path, struct stat *status, int *fd)
{
	int error = 0;

	*fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (*fd < 0)
		return errno;
	if (fstat(*fd, status) != 0)
		error = errno;
	else if (!S_ISREG(status->st_mode))
		error = S_ISDIR(status->st_mode) ? EISDIR : EINVAL;
	if (error)
		close(*fd);
	return error;
}

/* Makes what is at `to` a copy, whatever stood there. */
static int
copy_over(const char *copy, const char *to)
{
	struct file_output output = { .fd = -1, .path = strdup(to) };
	struct stat status;
	int from, error = output.path ? open_regular(copy, &status, &from) : ENOMEM;

	if (!error) {
		error = file_open_beside(&output, 0600);
		if (!error)
			error = copy_all(from, output.fd, &status);
		close(from);
	}
	if (!error)
		return file_commit(&output);
	file_abort(&output);
	return error;
}

static int
is_free(const char *path)
{
	struct stat status;

	if (lstat(path, &status) == 0)
		return EEXIST;
	return errno == ENOENT ? 0 : errno;
}

int
change_copy(const char *from, const char *to)
{
	int error = is_free(to);

	return error ? error : copy_over(from, to);
}

int
change_restore(const char *copy, const char *path)
{
	char end[PATH_MAX];
	struct stat status;
	int error = file_follow_links(path, end);

	if (error && error != ENOENT)
		return error;
	if (!error && stat(end, &status) == 0 && !S_ISREG(status.st_mode))
		return S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
	return copy_over(copy, end);
}

static int
set_owner(int fd, const struct change_owner *owner)
{
	struct stat now;

	if (fstat(fd, &now) != 0)
		return errno;
	if ((now.st_uid != owner->uid || now.st_gid != owner->gid) && fchown(fd, owner->uid, owner->gid) != 0)
		return errno;
	return fchmod(fd, owner->mode & 07777) == 0 ? 0 : errno; /* last: a change of owner takes rights away */
}

int
change_create(const char *path, const void *bytes, size_t length, const struct change_owner *owner)
{
	const struct change_owner ours = { geteuid(), getegid(), 0644 };
	struct file_output output = { .fd = -1 };
	int error = is_free(path);

	if (error)
		return error;
	output.path = strdup(path);
	error = output.path ? file_open_beside(&output, 0600) : ENOMEM;
	if (!error)
		error = write_all(output.fd, bytes, length);
	if (!error)
		error = set_owner(output.fd, owner ? owner : &ours);
	if (!error)
		return file_commit(&output);
	file_abort(&output);
	return error;
}

/* Questions, and what is about a whole file. */

int
change_get_owner(const char *path, struct change_owner *owner)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return errno;
	*owner = (struct change_owner){ status.st_uid, status.st_gid, status.st_mode & 07777 };
	return 0;
}

/* Does `each` for what is open at `path`, then closes it. */
static int
with_open(const char *path, int flags, int (*each)(int, const void *), const void *context)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags), error;

	if (fd < 0)
		return errno;
	error = each(fd, context);
	close(fd);
	return error;
}

static int
flush(int fd, const void *context)
{
	(void)context;
	return fsync(fd) == 0 ? 0 : errno;
}

static int
flush_system(int fd, const void *context)
{
	(void)context;
	return syncfs(fd) == 0 ? 0 : errno;
}

static int
set_and_flush(int fd, const void *context)
{
	int error = set_owner(fd, context);

	return error ? error : flush(fd, NULL);
}

int
change_set_owner(const char *path, const struct change_owner *owner)
{
	return with_open(path, O_NOFOLLOW, set_and_flush, owner);
}

int
change_flush(const char *path)
{
	return with_open(path, 0, flush, NULL);
}

int
change_flush_system(const char *path)
{
	return with_open(path, 0, flush_system, NULL);
}

int
change_get_room(const char *path, struct change_room *room)
{
	struct statvfs system;
	bool all = geteuid() == 0; /* what is set aside for root is for us too */

	if (statvfs(path, &system) != 0)
		return errno;
	room->bytes = (uint64_t)(all ? system.f_bfree : system.f_bavail) * system.f_frsize;
	room->inodes = system.f_files == 0 ? UINT64_MAX : (uint64_t)(all ? system.f_ffree : system.f_favail);
	if (system.f_blocks == 0)
		room->bytes = UINT64_MAX;
	return 0;
}

int
change_may_write(const char *path)
{
	return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 ? 0 : errno;
}
