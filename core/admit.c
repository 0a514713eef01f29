#include "admit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One path on its way: what is behind us, without links, and what is still to be walked. */
struct walk {
	char done[PATH_MAX], rest[PATH_MAX];
	size_t length; /* of `done`; 0 is the root */
	unsigned links;
	bool shared; /* others may put names into the folder where we are */
	struct admit_fault *fault;
};

static enum admit
fail(struct walk *walk, enum admit why, int error)
{
	memcpy(walk->fault->path, walk->length ? walk->done : "/", walk->length ? walk->length + 1 : 2);
	walk->fault->error = error;
	return why;
}

static bool
others_may_write(const struct stat *status)
{
	return (status->st_mode & S_IWOTH) || ((status->st_mode & S_IWGRP) && status->st_gid != 0);
}

/* What stands at `done` (a folder, the file or a link) belongs to root and is root's alone. */
static enum admit
judge(struct walk *walk, const struct stat *status)
{
	bool folder = S_ISDIR(status->st_mode), shared = walk->shared;

	walk->fault->owner = status->st_uid;
	if (status->st_uid != 0)
		return fail(walk, ADMIT_OWNER, 0);
	if (S_ISLNK(status->st_mode))
		return ADMIT_GOOD;
	walk->shared = others_may_write(status);
	if (walk->shared && !(folder && (status->st_mode & S_ISVTX)))
		return fail(walk, ADMIT_WRITABLE, 0);
	if (!folder && shared && status->st_nlink > 1)
		return fail(walk, ADMIT_HARD_LINK, 0);
	return ADMIT_GOOD;
}

static enum admit
judge_here(struct walk *walk)
{
	struct stat status;

	if (lstat(walk->length ? walk->done : "/", &status) != 0)
		return fail(walk, ADMIT_SYSTEM, errno);
	return judge(walk, &status);
}

/* Puts what the link at `done` says in front of the rest, and leaves it. */
static enum admit
follow(struct walk *walk, const char *rest)
{
	char target[PATH_MAX];
	ssize_t length = readlink(walk->done, target, sizeof target);
	size_t left = strlen(rest);

	if (length < 0)
		return fail(walk, ADMIT_SYSTEM, errno);
	if (++walk->links > ADMIT_LINKS_MAX)
		return fail(walk, ADMIT_SYSTEM, ELOOP);
	if ((size_t)length + 1 + left >= sizeof walk->rest)
		return fail(walk, ADMIT_SYSTEM, ENAMETOOLONG);
	memmove(walk->rest + length + 1, rest, left + 1);
	memcpy(walk->rest, target, (size_t)length);
	walk->rest[length] = '/';
	while (walk->length > 0 && walk->done[--walk->length] != '/')
		;
	if (target[0] == '/')
		walk->length = 0;
	walk->done[walk->length] = '\0';
	return judge_here(walk); /* the folder decides again whether it is shared */
}

static enum admit
enter(struct walk *walk, const char *name, size_t length, const char *rest)
{
	struct stat status;
	enum admit found;

	if (length == 2 && memcmp(name, "..", 2) == 0) {
		while (walk->length > 0 && walk->done[--walk->length] != '/')
			;
		walk->done[walk->length] = '\0';
		return judge_here(walk);
	}
	if (walk->length + 1 + length >= sizeof walk->done)
		return fail(walk, ADMIT_SYSTEM, ENAMETOOLONG);
	walk->done[walk->length] = '/';
	memcpy(walk->done + walk->length + 1, name, length);
	walk->length += 1 + length;
	walk->done[walk->length] = '\0';
	if (lstat(walk->done, &status) != 0)
		return fail(walk, ADMIT_SYSTEM, errno);
	found = judge(walk, &status);
	return found == ADMIT_GOOD && S_ISLNK(status.st_mode) ? follow(walk, rest) : found;
}

/* From the root down: what was found good can't be changed by anybody else while we go on. */
static enum admit
walk_down(struct walk *walk)
{
	enum admit found = judge_here(walk);

	while (found == ADMIT_GOOD) {
		char path[PATH_MAX];
		size_t skip = strspn(walk->rest, "/"), length = strcspn(walk->rest + skip, "/");
		const char *name = path + skip, *rest = name + length;

		if (length == 0)
			return ADMIT_GOOD;
		memcpy(path, walk->rest, sizeof path);
		memmove(walk->rest, rest, strlen(rest) + 1);
		if (length != 1 || name[0] != '.')
			found = enter(walk, name, length, rest);
	}
	return found;
}

static enum admit
find_guarded(const char *path, char **resolved, struct admit_fault *fault)
{
	struct walk walk = { .fault = fault };
	enum admit found;
	size_t length = 0, added = strlen(path);

	if (path[0] != '/') {
		if (!getcwd(walk.rest, sizeof walk.rest - 1))
			return fail(&walk, ADMIT_SYSTEM, errno);
		length = strlen(walk.rest);
		walk.rest[length++] = '/';
	}
	if (length + added >= sizeof walk.rest)
		return fail(&walk, ADMIT_SYSTEM, ENAMETOOLONG);
	memcpy(walk.rest + length, path, added + 1);
	found = walk_down(&walk);
	if (found == ADMIT_GOOD) {
		*resolved = strdup(walk.done);
		if (!*resolved)
			return fail(&walk, ADMIT_SYSTEM, ENOMEM);
	}
	return found;
}

static enum admit
kind_of(mode_t mode)
{
	if (S_ISREG(mode))
		return ADMIT_GOOD;
	if (S_ISDIR(mode))
		return ADMIT_FOLDER;
	return S_ISFIFO(mode) ? ADMIT_FIFO : ADMIT_DEVICE;
}

enum admit
admit_find(const char *path, bool guarded, char **resolved, struct admit_fault *fault)
{
	struct stat status;
	enum admit kind;

	*resolved = NULL;
	*fault = (struct admit_fault){ .error = 0 };
	strncpy(fault->path, path, sizeof fault->path - 1);
	if (stat(path, &status) != 0) {
		fault->error = errno;
		return ADMIT_SYSTEM;
	}
	kind = kind_of(status.st_mode);
	if (kind != ADMIT_GOOD)
		return kind;
	if (guarded)
		return find_guarded(path, resolved, fault);
	*resolved = realpath(path, NULL);
	if (*resolved)
		return ADMIT_GOOD;
	fault->error = errno;
	return ADMIT_SYSTEM;
}
