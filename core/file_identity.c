#include "file_inside.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { LINKS_MAX = 40 /* as in Linux */ };

/* Extended attributes hold access lists and the label of SELinux. */

struct attribute {
	char *bytes; /* NULL: none */
	size_t length;
};

/* The names of fd's attributes, each ended by NUL. */
static int
list_attributes(int fd, struct attribute *names)
{
	ssize_t n = flistxattr(fd, NULL, 0);

	*names = (struct attribute){ NULL, 0 };
	if (n <= 0)
		return n == 0 || errno == ENOTSUP ? 0 : errno;
	names->bytes = malloc((size_t)n);
	if (!names->bytes)
		return ENOMEM;
	n = flistxattr(fd, names->bytes, (size_t)n);
	if (n < 0) {
		int error = errno;

		free(names->bytes);
		names->bytes = NULL;
		return error;
	}
	names->length = (size_t)n;
	return 0;
}

/* One attribute; ENODATA if there is none of this name. */
static int
get_attribute(int fd, const char *name, struct attribute *value)
{
	ssize_t n = fgetxattr(fd, name, NULL, 0);

	*value = (struct attribute){ NULL, 0 };
	if (n < 0)
		return errno;
	value->bytes = malloc((size_t)n + 1);
	if (!value->bytes)
		return ENOMEM;
	n = fgetxattr(fd, name, value->bytes, (size_t)n);
	if (n < 0) {
		int error = errno;

		free(value->bytes);
		value->bytes = NULL;
		return error;
	}
	value->length = (size_t)n;
	return 0;
}

static bool
is_same(const struct attribute *a, const struct attribute *b)
{
	return a->bytes && b->bytes && a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* Sets it only where it differs: not everybody may set every attribute. */
static int
copy_attribute(int from, int to, const char *name)
{
	struct attribute wanted, there;
	int error = get_attribute(from, name, &wanted);

	if (error)
		return error;
	get_attribute(to, name, &there);
	if (!is_same(&wanted, &there) && fsetxattr(to, name, wanted.bytes, wanted.length, 0) != 0)
		error = errno;
	free(wanted.bytes);
	free(there.bytes);
	return error;
}

/* An access list that the new file has from its folder only would open it to more people. */
static int
drop_attribute(int from, int to, const char *name)
{
	if (fgetxattr(from, name, NULL, 0) >= 0 || errno != ENODATA)
		return 0;
	return fremovexattr(to, name) == 0 ? 0 : errno;
}

/* Does `each` for every attribute that `of` has. */
static int
for_attributes(int of, int from, int to, int (*each)(int, int, const char *))
{
	struct attribute names;
	int error = list_attributes(of, &names);

	for (size_t i = 0; !error && i < names.length; i += strlen(names.bytes + i) + 1)
		error = each(from, to, names.bytes + i);
	free(names.bytes);
	return error;
}

/* Owner first: a change of it takes rights away. Mode last: nobody else can open the file before. */
int
file_keep_identity(int from, int to, const struct stat *status)
{
	struct stat now;
	int error;

	if (fstat(to, &now) != 0)
		return errno;
	if ((now.st_uid != status->st_uid || now.st_gid != status->st_gid) &&
	    fchown(to, status->st_uid, status->st_gid) != 0)
		return errno;
	error = for_attributes(to, from, to, drop_attribute);
	if (!error)
		error = for_attributes(from, from, to, copy_attribute);
	if (!error && fchmod(to, status->st_mode & 07777) != 0)
		error = errno;
	return error;
}

/* The length of a path's folder, its slash included; 0: the current one. */
static size_t
folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Whether others can put another link in the place of this one. */
static bool
others_may_replace(const char *path, const struct stat *link)
{
	char folder[PATH_MAX];
	size_t n = folder_length(path);
	struct stat status;

	memcpy(folder, n ? path : ".", n ? n : 1);
	folder[n ? n : 1] = '\0';
	if (stat(folder, &status) != 0)
		return true;
	if (!(status.st_mode & (S_IWGRP | S_IWOTH)))
		return false;
	return !(status.st_mode & S_ISVTX) || (link->st_uid != geteuid() && link->st_uid != 0);
}

int
file_follow_links(const char *path, char *end)
{
	char here[PATH_MAX], next[PATH_MAX], *at = end ? end : here;
	struct stat status;

	if (strlen(path) >= PATH_MAX)
		return ENAMETOOLONG;
	memcpy(at, path, strlen(path) + 1);
	for (int i = 0; i < LINKS_MAX; i++) {
		size_t folder = folder_length(at);
		ssize_t n;

		if (lstat(at, &status) != 0)
			return errno;
		if (!S_ISLNK(status.st_mode))
			return 0;
		if (others_may_replace(at, &status))
			return ELOOP;
		n = readlink(at, next, sizeof next - 1);
		if (n < 0)
			return errno;
		next[n] = '\0';
		folder = next[0] == '/' ? 0 : folder;
		if (folder + (size_t)n >= PATH_MAX)
			return ENAMETOOLONG;
		memcpy(at + folder, next, (size_t)n + 1);
	}
	return ELOOP;
}
