#include "store_inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pem.h"

enum { HASH_DIGITS = 8, DER_FIRST = DER_SEQUENCE };

/*
 * Opens a regular file and never anything else: a FIFO would block, or let its writer go on; a device might act. -1 with
 * errno, ENODEV for what isn't a regular file and EISDIR for a directory.
 */
static int
regular_open(const char *path, struct stat *status)
{
	int fd, error;

	if (stat(path, status) < 0)
		return -1;
	if (!S_ISREG(status->st_mode)) {
		errno = S_ISDIR(status->st_mode) ? EISDIR : ENODEV;
		return -1;
	}
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	error = fstat(fd, status) < 0 ? errno : S_ISREG(status->st_mode) ? 0 : ENODEV;
	if (error == 0)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

/* Reads to the end, at most size bytes; the number of bytes or -1. */
static ssize_t
read_all(int fd, unsigned char *buffer, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t got = read(fd, buffer + used, size - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		used += (size_t)got;
	}
	return (ssize_t)used;
}

/* The file's bytes in a buffer of malloc, or NULL with errno. A file that grows meanwhile is cut. */
static unsigned char *
descriptor_read(int fd, const struct stat *status, size_t *length)
{
	unsigned char *buffer;
	ssize_t got;

	if (status->st_size < 0 || status->st_size > STORE_FILE_MAX) {
		errno = EFBIG;
		return NULL;
	}
	buffer = malloc((size_t)status->st_size + 1);
	if (buffer == NULL)
		return NULL;
	got = read_all(fd, buffer, (size_t)status->st_size);
	if (got < 0) {
		free(buffer);
		return NULL;
	}
	*length = (size_t)got;
	return buffer;
}

static unsigned char *
file_read(const char *path, struct stat *status, size_t *length)
{
	unsigned char *buffer;
	int fd = regular_open(path, status), error;

	if (fd < 0)
		return NULL;
	buffer = descriptor_read(fd, status, length);
	error = errno;
	close(fd);
	errno = error;
	return buffer;
}

/* PEM, DER, or something that is neither and is named. */
static int
bytes_take(struct store *store, unsigned char *buffer, size_t length, const char *path)
{
	if (pem_looks_like((const char *)buffer, length))
		return store_take(store, buffer, length, path, true);
	if (length > 0 && buffer[0] == DER_FIRST)
		return store_take(store, buffer, length, path, false);
	free(buffer);
	return store_note(store, path, 0, length == 0 ? "the file is empty" : "it holds no certificate", 0);
}

int
store_add_file(struct store *store, const char *path)
{
	struct stat status;
	size_t length;
	unsigned char *buffer = file_read(path, &status, &length);

	return buffer == NULL ? -1 : bytes_take(store, buffer, length, path);
}

/* Files of a directory may be there under several names; each is read once. */
static bool
is_read(const struct store *store, const struct stat *status)
{
	const struct store_identity *files = store->files.items;

	for (size_t i = 0; i < store->files.count; i++)
		if (files[i].device == status->st_dev && files[i].inode == status->st_ino)
			return true;
	return false;
}

static const char *
refusal(int error)
{
	switch (error) {
	case ENOENT:
	case ELOOP:
		return "a link that leads nowhere";
	case ENODEV:
		return "not a regular file";
	case EFBIG:
		return "larger than 16 MiB";
	default:
		return NULL;
	}
}

/* Adds a file of a directory unless it was read already. What can't be read is noted; -1 without memory. */
static int
member_add(struct store *store, const char *path)
{
	struct store_identity *identity;
	struct stat status;
	unsigned char *buffer;
	size_t length;

	if (stat(path, &status) == 0 && (S_ISDIR(status.st_mode) || is_read(store, &status)))
		return 0;
	buffer = file_read(path, &status, &length);
	if (buffer == NULL && errno == ENOMEM)
		return -1;
	if (buffer == NULL)
		return store_note(store, path, 0, refusal(errno), errno);
	identity = store_array_add(&store->files, sizeof *identity);
	if (identity == NULL) {
		free(buffer);
		return -1;
	}
	identity->device = status.st_dev;
	identity->inode = status.st_ino;
	return bytes_take(store, buffer, length, path);
}

/* A name that OpenSSL's rehash gives: eight hex digits, a dot, a number. Those of revocation lists have ".r". */
static bool
is_hash_link(const char *name)
{
	if (strspn(name, "0123456789abcdef") != HASH_DIGITS || name[HASH_DIGITS] != '.')
		return false;
	name += HASH_DIGITS + 1;
	return *name != '\0' && strspn(name, "0123456789") == strlen(name);
}

static void
names_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

/* The entries that select takes, sorted; their number or -1 with errno. */
static int
names_read(const char *path, bool (*select)(const char *name), char ***names)
{
	struct store_array array = { 0 };
	DIR *directory = opendir(path);
	struct dirent *entry;
	int error = 0;

	if (directory == NULL)
		return -1;
	while (array.count < STORE_FILES_MAX && (entry = readdir(directory)) != NULL) {
		char **name;

		if (!select(entry->d_name))
			continue;
		name = store_array_add(&array, sizeof *name);
		if (name == NULL || (*name = strdup(entry->d_name)) == NULL) {
			error = ENOMEM;
			break;
		}
	}
	closedir(directory);
	*names = array.items;
	if (error != 0) {
		names_free(*names, array.count);
		errno = error;
		return -1;
	}
	return (int)array.count;
}

static int
by_name(const void *a, const void *b)
{
	const char *const *first = a, *const *second = b;

	return strcmp(*first, *second);
}

static bool
is_visible(const char *name)
{
	return name[0] != '.';
}

/*
 * Adds the entries that select takes, in the order of their names so that it doesn't depend on the file system; until the
 * store isn't empty, if that is enough. Returns what was added, or -1.
 */
static int
members_add(struct store *store, const char *path, bool (*select)(const char *name), bool one_is_enough)
{
	char **names, *member;
	int count = names_read(path, select, &names), added = 0;

	if (count < 0)
		return -1;
	if (count > 1)
		qsort(names, (size_t)count, sizeof *names, by_name);
	for (int i = 0; i < count && added >= 0 && !(one_is_enough && added > 0); i++) {
		int result = asprintf(&member, "%s/%s", path, names[i]) < 0 ? -1 : member_add(store, member);

		if (result >= 0)
			free(member);
		added = result < 0 ? -1 : added + result;
	}
	if (count == STORE_FILES_MAX && added >= 0 && store_note(store, path, 0, "more than 10,000 files: the rest isn't read", 0) < 0)
		added = -1;
	names_free(names, (size_t)count);
	return added;
}

/* 1 if the directory has hash links, 0 if not, -1 with errno. */
static int
is_hashed(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int hashed = 0;

	if (directory == NULL)
		return -1;
	while (hashed == 0 && (entry = readdir(directory)) != NULL)
		hashed = is_hash_link(entry->d_name);
	closedir(directory);
	return hashed;
}

int
store_add_directory(struct store *store, const char *path)
{
	struct store_directory *directory;
	int hashed = is_hashed(path);

	if (hashed < 0)
		return -1;
	if (hashed == 0)
		return members_add(store, path, is_visible, false);
	directory = store_array_add(&store->directories, sizeof *directory);
	if (directory == NULL)
		return -1;
	directory->path = strdup(path);
	return directory->path == NULL ? -1 : 0;
}

static struct store_directory *
directory_at(struct store *store, size_t index)
{
	return (struct store_directory *)store->directories.items + index;
}

/* A directory that can't be read any more is noted, not an error of the store. */
static int
directory_load(struct store *store, struct store_directory *directory)
{
	if (directory->loaded)
		return 0;
	directory->loaded = true;
	if (members_add(store, directory->path, is_visible, false) >= 0)
		return 0;
	return errno == ENOMEM ? -1 : store_note(store, directory->path, 0, NULL, errno);
}

int
store_load(struct store *store)
{
	for (size_t i = 0; i < store->directories.count; i++)
		if (directory_load(store, directory_at(store, i)) < 0)
			return -1;
	return 0;
}

bool
store_empty(struct store *store)
{
	for (size_t i = 0; i < store->directories.count && store->entries.count == 0; i++)
		if (!directory_at(store, i)->loaded)
			members_add(store, directory_at(store, i)->path, is_hash_link, true);
	if (store->entries.count == 0)
		store_load(store);
	return store->entries.count == 0;
}

/* Remembers the hash; false if it was looked for already. */
static int
hash_is_new(struct store_directory *directory, uint32_t hash)
{
	uint32_t *hashes = directory->hashes.items, *added;

	for (size_t i = 0; i < directory->hashes.count; i++)
		if (hashes[i] == hash)
			return 0;
	added = store_array_add(&directory->hashes, sizeof *added);
	if (added == NULL)
		return -1;
	*added = hash;
	return 1;
}

/* As OpenSSL: names that share a hash differ in the number, and end where one is missing. */
static int
hash_load(struct store *store, struct store_directory *directory, uint32_t hash)
{
	int fresh = hash_is_new(directory, hash);
	struct stat status;
	char *path;

	for (unsigned number = 0; fresh > 0 && number < STORE_FILES_MAX; number++) {
		bool there;

		if (asprintf(&path, "%s/%08" PRIx32 ".%u", directory->path, hash, number) < 0)
			return -1;
		there = lstat(path, &status) == 0;
		if (there && member_add(store, path) < 0)
			fresh = -1;
		free(path);
		if (!there)
			break;
	}
	return fresh < 0 ? -1 : 0;
}

int
store_load_hash(struct store *store, uint32_t hash)
{
	for (size_t i = 0; i < store->directories.count; i++)
		if (!directory_at(store, i)->loaded && hash_load(store, directory_at(store, i), hash) < 0)
			return -1;
	return 0;
}
