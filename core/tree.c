#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* One path on its way: what is behind us, without links, and what is still to be walked. */
struct walk {
	char done[PATH_MAX], rest[PATH_MAX];
	size_t root, length;     /* of `done`: the part that is never left, and all of it */
	unsigned links;
};

static void
cut(struct walk *walk, size_t length)
{
	walk->length = length;
	walk->done[length] = '\0';
}

static void
leave_folder(struct walk *walk)
{
	size_t length = walk->length;

	while (length > walk->root && walk->done[--length] != '/')
		;
	cut(walk, length);
}

static int
enter(struct walk *walk, const char *name, size_t length)
{
	if (walk->length + 1 + length >= sizeof walk->done)
		return ENAMETOOLONG;
	walk->done[walk->length] = '/';
	memcpy(walk->done + walk->length + 1, name, length);
	cut(walk, walk->length + 1 + length);
	return 0;
}

/* Puts what the link says in front of the rest. */
static int
follow(struct walk *walk, const char *rest)
{
	char target[PATH_MAX];
	ssize_t length = readlink(walk->done, target, sizeof target);
	size_t left = strlen(rest);

	if (length < 0)
		return errno;
	if (++walk->links > TREE_LINKS_MAX)
		return ELOOP;
	if ((size_t)length + 1 + left >= sizeof walk->rest)
		return ENAMETOOLONG;
	memmove(walk->rest + length + 1, rest, left + 1);
	memcpy(walk->rest, target, (size_t)length);
	walk->rest[length] = '/';
	if (target[0] == '/')
		cut(walk, walk->root);
	else
		leave_folder(walk);
	return 0;
}

static int
take(struct walk *walk, const char *name, size_t length)
{
	struct stat status;
	int error;

	if (length == 1 && name[0] == '.')
		return 0;
	if (length == 2 && memcmp(name, "..", 2) == 0) {
		leave_folder(walk);
		return 0;
	}
	error = enter(walk, name, length);
	if (error)
		return error;
	if (lstat(walk->done, &status) != 0)
		return errno;
	return S_ISLNK(status.st_mode) ? -1 : 0;
}

static int
go(struct walk *walk)
{
	const char *at = walk->rest;

	for (;;) {
		size_t length;
		int error;

		at += strspn(at, "/");
		length = strcspn(at, "/");
		if (length == 0)
			return 0;
		error = take(walk, at, length);
		at += length;
		if (error == -1) {
			error = follow(walk, at);
			at = walk->rest;
		}
		if (error)
			return error;
	}
}

int
tree_resolve(const char *root, const char *path, char **resolved)
{
	struct walk walk;
	int error;

	memset(&walk, 0, sizeof walk);
	walk.root = strlen(root);
	while (walk.root > 0 && root[walk.root - 1] == '/')
		walk.root--;
	if (walk.root >= sizeof walk.done || strlen(path) >= sizeof walk.rest)
		return ENAMETOOLONG;
	memcpy(walk.done, root, walk.root);
	cut(&walk, walk.root);
	memcpy(walk.rest, path, strlen(path) + 1);
	error = go(&walk);
	if (error)
		return error;
	*resolved = strdup(walk.length > 0 ? walk.done : "/");
	return *resolved ? 0 : ENOMEM;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
tree_free_names(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

/* Adds a name to a list that has room for TREE_NAMES_MAX. */
static int
add_name(char **names, size_t *count, const char *name)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	if (*count == TREE_NAMES_MAX)
		return EFBIG;
	names[*count] = strdup(name);
	if (!names[*count])
		return ENOMEM;
	(*count)++;
	return 0;
}

static int
read_names(DIR *folder, char **names, size_t *count)
{
	const struct dirent *entry;
	int error = 0;

	do {
		errno = 0;
		entry = readdir(folder);
		if (!entry)
			return errno;
		error = add_name(names, count, entry->d_name);
	} while (!error);
	return error;
}

int
tree_list(const char *path, char ***names, size_t *count)
{
	DIR *folder = opendir(path);
	int error;

	if (!folder)
		return errno;
	*count = 0;
	*names = malloc(TREE_NAMES_MAX * sizeof **names);
	error = *names ? read_names(folder, *names, count) : ENOMEM;
	closedir(folder);
	if (error)
		tree_free_names(*names, *count);
	else
		qsort(*names, *count, sizeof **names, compare);
	return error;
}

static enum tree_kind
kind_of(mode_t mode)
{
	if (S_ISREG(mode))
		return TREE_FILE;
	if (S_ISDIR(mode))
		return TREE_FOLDER;
	return S_ISLNK(mode) ? TREE_LINK : TREE_OTHER;
}

int
tree_look(const char *path, struct tree_entry *entry)
{
	char target[PATH_MAX];
	struct stat status;
	ssize_t length;

	if (lstat(path, &status) != 0)
		return errno;
	*entry = (struct tree_entry){ .kind = kind_of(status.st_mode), .mode = status.st_mode & 07777,
		.uid = (int64_t)status.st_uid, .gid = (int64_t)status.st_gid, .size = (int64_t)status.st_size,
		.mtime_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec,
		.device = (uint64_t)status.st_dev, .inode = (uint64_t)status.st_ino };
	if (entry->kind != TREE_LINK)
		return 0;
	length = readlink(path, target, sizeof target - 1);
	if (length < 0)
		return errno;
	entry->target = strndup(target, (size_t)length);
	return entry->target ? 0 : ENOMEM;
}

int
tree_system(const char *path, struct tree_system *found)
{
	struct statfs kind;
	struct statvfs flags;

	if (statfs(path, &kind) != 0 || statvfs(path, &flags) != 0)
		return errno;
	found->temporary = NULL;
	if (kind.f_type == OVERLAYFS_SUPER_MAGIC)
		found->temporary = "overlay";
	else if (kind.f_type == TMPFS_MAGIC || kind.f_type == RAMFS_MAGIC)
		found->temporary = "tmpfs";
	found->read_only = (flags.f_flag & ST_RDONLY) != 0;
	return 0;
}
