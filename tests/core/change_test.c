/* core/change: each change to a tree, what it leaves alone, and that it leaves nothing half done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/change.h"
#include "core/file.h"

static char folder[] = "/tmp/kedge-change-XXXXXX";

/* A path in the folder; good for a few calls. */
static const char *
in_folder(const char *name)
{
	static char path[4][256];
	static unsigned turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
	return path[turn];
}

static void
put(const char *name, const char *text)
{
	FILE *file = fopen(in_folder(name), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void
assert_content(const char *name, const char *expected)
{
	char *text;
	size_t length;

	assert_int_equal(file_read(in_folder(name), 1000000, &text, &length), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void
assert_link(const char *name, const char *expected)
{
	char target[256];
	ssize_t n = readlink(in_folder(name), target, sizeof target - 1);

	assert_true(n >= 0);
	target[n] = '\0';
	assert_string_equal(target, expected);
}

static mode_t
mode_of(const char *name)
{
	struct stat status;

	assert_int_equal(lstat(in_folder(name), &status), 0);
	return status.st_mode & 07777;
}

static bool
is_there(const char *name)
{
	struct stat status;

	return lstat(in_folder(name), &status) == 0;
}

/* How many names the folder holds; unfinished files are among them. */
static int
count_names(void)
{
	char command[300];
	int count = -1;
	FILE *pipe;

	snprintf(command, sizeof command, "ls -A '%s' | wc -l", folder);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%d", &count), 1);
	pclose(pipe);
	return count;
}

static int
begin(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/kedge-change-XXXXXX");
	umask(077); /* what we make has the mode that was asked for all the same */
	return mkdtemp(folder) ? 0 : -1;
}

static int
end(void **state)
{
	char command[300];

	(void)state;
	umask(022);
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

static void
makes_folders(void **state)
{
	(void)state;
	put("file", "");
	assert_int_equal(change_make_folder(in_folder("new"), 0751), 0);
	assert_int_equal(mode_of("new"), 0751);
	assert_int_equal(change_make_folder(in_folder("new"), 0700), 0);
	assert_int_equal(mode_of("new"), 0751);
	assert_int_equal(change_make_folder(in_folder("slash/"), 0700), 0);
	assert_int_equal(change_make_folder(in_folder("file"), 0700), ENOTDIR);
	assert_int_equal(change_make_folder(in_folder("missing/new"), 0700), ENOENT);
}

static void
removes(void **state)
{
	(void)state;
	put("file", "stays");
	put("other", "");
	assert_int_equal(symlink("file", in_folder("link")), 0);
	assert_int_equal(change_make_folder(in_folder("folder"), 0700), 0);
	put("folder/file", "");
	assert_int_equal(change_remove(in_folder("link")), 0);
	assert_int_equal(change_remove(in_folder("other")), 0);
	assert_int_equal(change_remove(in_folder("other")), 0);
	assert_false(is_there("link") || is_there("other"));
	assert_content("file", "stays");
	assert_int_equal(change_remove(in_folder("folder")), EISDIR);
	assert_int_equal(change_remove(in_folder("file/below")), ENOTDIR);
	assert_int_equal(change_remove_folder(in_folder("folder")), ENOTEMPTY);
	assert_int_equal(change_remove_folder(in_folder("file")), ENOTDIR);
	assert_int_equal(change_remove(in_folder("folder/file")), 0);
	assert_int_equal(change_remove_folder(in_folder("folder")), 0);
	assert_int_equal(change_remove_folder(in_folder("folder")), 0);
	assert_int_equal(count_names(), 1);
}

static void
links(void **state)
{
	(void)state;
	put("file", "text");
	assert_int_equal(change_link("missing", in_folder("link")), 0);
	assert_link("link", "missing");
	assert_int_equal(change_link("/etc/other", in_folder("link")), 0);
	assert_link("link", "/etc/other");
	assert_int_equal(change_link("link", in_folder("file")), 0);
	assert_link("file", "link");
	assert_int_equal(change_make_folder(in_folder("folder"), 0700), 0);
	assert_int_equal(change_link("file", in_folder("folder")), EISDIR);
	assert_int_equal(change_link("file", in_folder("missing/link")), ENOENT);
	assert_int_equal(change_link("", in_folder("empty")), ENOENT);
	assert_int_equal(count_names(), 3);
}

static void
renames(void **state)
{
	(void)state;
	put("a", "a");
	put("b", "b");
	assert_int_equal(change_make_folder(in_folder("folder"), 0700), 0);
	assert_int_equal(change_rename(in_folder("a"), in_folder("folder/a")), 0);
	assert_int_equal(change_rename(in_folder("b"), in_folder("folder/a")), 0);
	assert_content("folder/a", "b");
	assert_int_equal(change_rename(in_folder("b"), in_folder("folder/b")), ENOENT);
	assert_int_equal(change_rename(in_folder("folder"), in_folder("other")), 0);
	assert_content("other/a", "b");
}

static void
creates(void **state)
{
	const struct change_owner private = { geteuid(), getegid(), 0604 };

	(void)state;
	assert_int_equal(change_create(in_folder("file"), "text", 4, NULL), 0);
	assert_content("file", "text");
	assert_int_equal(mode_of("file"), 0644);
	assert_int_equal(change_create(in_folder("empty"), "", 0, &private), 0);
	assert_content("empty", "");
	assert_int_equal(mode_of("empty"), 0604);
	assert_int_equal(symlink("nowhere", in_folder("link")), 0);
	assert_int_equal(change_create(in_folder("file"), "new", 3, NULL), EEXIST);
	assert_int_equal(change_create(in_folder("link"), "new", 3, NULL), EEXIST);
	assert_int_equal(change_create(in_folder("missing/file"), "new", 3, NULL), ENOENT);
	assert_content("file", "text");
	assert_int_equal(count_names(), 3);
}

static void
gives_to_an_owner(void **state)
{
	const struct change_owner daemon = { 1, 2, 02640 };
	struct change_owner found;

	(void)state;
	put("file", "");
	if (geteuid() != 0) {
		assert_int_equal(change_create(in_folder("new"), "", 0, &daemon), EPERM);
		assert_int_equal(change_set_owner(in_folder("file"), &daemon), EPERM);
		assert_int_equal(count_names(), 1);
		return;
	}
	assert_int_equal(change_create(in_folder("new"), "", 0, &daemon), 0);
	assert_int_equal(change_set_owner(in_folder("file"), &daemon), 0);
	assert_int_equal(change_get_owner(in_folder("new"), &found), 0);
	assert_memory_equal(&found, &daemon, sizeof found);
	assert_int_equal(change_get_owner(in_folder("file"), &found), 0);
	assert_memory_equal(&found, &daemon, sizeof found);
	assert_int_equal(change_copy(in_folder("file"), in_folder("copy")), 0);
	assert_int_equal(change_get_owner(in_folder("copy"), &found), 0);
	assert_memory_equal(&found, &daemon, sizeof found);
}

static void
sets_modes(void **state)
{
	struct change_owner owner = { geteuid(), getegid(), 0711 }, found;

	(void)state;
	put("file", "");
	assert_int_equal(change_make_folder(in_folder("folder"), 0700), 0);
	assert_int_equal(symlink("file", in_folder("link")), 0);
	assert_int_equal(change_set_owner(in_folder("folder"), &owner), 0);
	assert_int_equal(mode_of("folder"), 0711);
	assert_int_equal(change_set_owner(in_folder("link"), &owner), ELOOP);
	assert_int_equal(mode_of("file"), 0600);
	assert_int_equal(change_get_owner(in_folder("link"), &found), 0);
	assert_int_equal(found.mode, 0600);
	assert_int_equal(change_set_owner(in_folder("missing"), &owner), ENOENT);
	assert_int_equal(change_get_owner(in_folder("missing"), &found), ENOENT);
}

enum { LARGE = 200000 };

static void
put_large(const char *name, char fill)
{
	char *text = malloc(LARGE + 1);

	assert_non_null(text);
	memset(text, fill, LARGE);
	text[LARGE] = '\0';
	put(name, text);
	free(text);
}

static void
assert_large(const char *name, char fill)
{
	char *text;
	size_t length;

	assert_int_equal(file_read(in_folder(name), LARGE, &text, &length), 0);
	assert_int_equal(length, LARGE);
	for (size_t i = 0; i < length; i++)
		assert_int_equal(text[i], fill);
	free(text);
}

static const struct timespec long_ago[2] = { { 1000000000, 5 }, { 1100000000, 123456789 } };

static void
put_identity(const char *name)
{
	assert_int_equal(chmod(in_folder(name), 04751), 0);
	setxattr(in_folder(name), "user.kedge", "kept", 4, 0); /* not every file system has these */
	assert_int_equal(utimensat(AT_FDCWD, in_folder(name), long_ago, 0), 0);
}

static void
assert_identity(const char *name)
{
	struct stat status;
	char value[4];
	ssize_t n = getxattr(in_folder(name), "user.kedge", value, sizeof value);

	assert_int_equal(lstat(in_folder(name), &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 04751);
	assert_memory_equal(&status.st_mtim, &long_ago[1], sizeof status.st_mtim);
	assert_true((n < 0 && errno == ENOTSUP) || (n == 4 && memcmp(value, "kept", 4) == 0));
}

static void
copies(void **state)
{
	(void)state;
	put_large("file", 'x');
	put_identity("file");
	assert_int_equal(symlink("file", in_folder("link")), 0);
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(change_copy(in_folder("file"), in_folder("copy")), 0);
	assert_identity("copy");
	assert_large("copy", 'x');
	assert_int_equal(change_copy(in_folder("link"), in_folder("other")), ELOOP);
	assert_int_equal(change_copy(in_folder("file"), in_folder("copy")), EEXIST);
	assert_int_equal(change_copy(in_folder("file"), in_folder("link")), EEXIST);
	assert_int_equal(change_copy(in_folder("fifo"), in_folder("other")), EINVAL);
	assert_int_equal(change_copy(folder, in_folder("other")), EISDIR);
	assert_int_equal(change_copy(in_folder("missing"), in_folder("other")), ENOENT);
	assert_int_equal(change_copy(in_folder("file"), in_folder("missing/other")), ENOENT);
	assert_int_equal(count_names(), 4);
}

static void
restores(void **state)
{
	(void)state;
	put_large("copy", 'x');
	put_identity("copy");
	put("file", "changed");
	assert_int_equal(change_restore(in_folder("copy"), in_folder("file")), 0);
	assert_identity("file");
	assert_large("file", 'x');
	assert_int_equal(change_restore(in_folder("copy"), in_folder("gone")), 0);
	assert_identity("gone");
	put("file", "changed again");
	assert_int_equal(symlink("file", in_folder("link")), 0);
	assert_int_equal(symlink("target", in_folder("dangling")), 0);
	assert_int_equal(change_restore(in_folder("copy"), in_folder("link")), 0);
	assert_link("link", "file");
	assert_identity("file");
	assert_int_equal(change_restore(in_folder("copy"), in_folder("dangling")), 0);
	assert_link("dangling", "target");
	assert_identity("target");
	assert_int_equal(count_names(), 6);
}

static void
restores_nothing_where_it_must_not(void **state)
{
	(void)state;
	put("copy", "copy");
	put("file", "file");
	assert_int_equal(change_make_folder(in_folder("open"), 0777), 0);
	assert_int_equal(symlink("../file", in_folder("open/link")), 0);
	assert_int_equal(symlink("../missing", in_folder("open/dangling")), 0);
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(change_restore(in_folder("copy"), in_folder("open/link")), ELOOP);
	assert_int_equal(change_restore(in_folder("copy"), in_folder("open/dangling")), ELOOP);
	assert_int_equal(change_restore(in_folder("copy"), in_folder("open")), EISDIR);
	assert_int_equal(change_restore(in_folder("copy"), in_folder("fifo")), EINVAL);
	assert_int_equal(change_restore(in_folder("missing"), in_folder("file")), ENOENT);
	assert_int_equal(change_restore(in_folder("copy"), in_folder("missing/file")), ENOENT);
	assert_content("file", "file");
	assert_int_equal(count_names(), 4);
}

static void
flushes(void **state)
{
	(void)state;
	put("file", "text");
	assert_int_equal(change_flush(in_folder("file")), 0);
	assert_int_equal(change_flush(folder), 0);
	assert_int_equal(change_flush(in_folder("missing")), ENOENT);
	assert_int_equal(change_flush_system(folder), 0);
	assert_int_equal(change_flush_system(in_folder("missing")), ENOENT);
}

static void
knows_what_may_be_written(void **state)
{
	struct change_room room = { 0, 0 };

	(void)state;
	assert_int_equal(change_get_room(folder, &room), 0);
	assert_true(room.bytes > 0 && room.inodes > 0);
	assert_int_equal(change_get_room(in_folder("missing"), &room), ENOENT);
	assert_int_equal(change_may_write(folder), 0);
	assert_int_equal(change_may_write(in_folder("missing")), ENOENT);
	if (geteuid() == 0 && seteuid(65534) == 0) {
		assert_int_equal(change_may_write("/etc/passwd"), EACCES);
		assert_int_equal(change_may_write("/etc"), EACCES);
		assert_int_equal(seteuid(0), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(makes_folders, begin, end),
		cmocka_unit_test_setup_teardown(removes, begin, end),
		cmocka_unit_test_setup_teardown(links, begin, end),
		cmocka_unit_test_setup_teardown(renames, begin, end),
		cmocka_unit_test_setup_teardown(creates, begin, end),
		cmocka_unit_test_setup_teardown(gives_to_an_owner, begin, end),
		cmocka_unit_test_setup_teardown(sets_modes, begin, end),
		cmocka_unit_test_setup_teardown(copies, begin, end),
		cmocka_unit_test_setup_teardown(restores, begin, end),
		cmocka_unit_test_setup_teardown(restores_nothing_where_it_must_not, begin, end),
		cmocka_unit_test_setup_teardown(flushes, begin, end),
		cmocka_unit_test_setup_teardown(knows_what_may_be_written, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
