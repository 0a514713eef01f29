/* core/admit: what root may run, and the bounds of a path. Owners are tried end to end (tests/e2e/scripts_test.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/admit.h"

static char folder[] = "/tmp/kedge-admit-XXXXXX";

static int
make_tree(void **state)
{
	char command[900];
	int n;

	(void)state;
	memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
	if (!mkdtemp(folder))
		return -1;
	n = snprintf(
		command, sizeof command,
		"cd %s && umask 022 && mkdir -p a/b && echo x >a/b/file && ln -s b/file a/link && ln -s %s/a/link "
		"absolute &&"
		" ln -s a folder && ln -s ../../a/../a/b a/b/round && ln -s nowhere dangling && ln -s loop loop && "
		"mkfifo fifo &&"
		" ln -s absolute l0 && for i in $(seq 1 41); do ln -s l$((i - 1)) l$i; done",
		folder, folder);
	return n < (int)sizeof command ? system(command) : -1;
}

static int
remove_tree(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

static enum admit
find(const char *path, bool guarded, int *error)
{
	char whole[PATH_MAX], wanted[PATH_MAX], *resolved;
	struct admit_fault fault;
	enum admit found;

	snprintf(whole, sizeof whole, "%s/%s", folder, path);
	found = admit_find(whole, guarded, &resolved, &fault);
	*error = fault.error;
	if (found == ADMIT_GOOD) {
		snprintf(wanted, sizeof wanted, "%s/a/b/file", folder);
		assert_string_equal(resolved, wanted);
	} else {
		assert_null(resolved);
		assert_true(strlen(fault.path) > 0);
	}
	free(resolved);
	return found;
}

static const struct {
	const char *path;
	enum admit expected;
	int error;
} cases[] = {
	{ "a/b/file", ADMIT_GOOD, 0 },
	{ "a//b/./file", ADMIT_GOOD, 0 },
	{ "a/b/../b/file", ADMIT_GOOD, 0 },
	{ "a/link", ADMIT_GOOD, 0 },
	{ "absolute", ADMIT_GOOD, 0 },
	{ "folder/b/file", ADMIT_GOOD, 0 },
	{ "folder/link", ADMIT_GOOD, 0 },
	{ "a/b/round/file", ADMIT_GOOD, 0 },
	{ "../../../../../../tmp/../a", ADMIT_SYSTEM, ENOENT },
	{ "l36", ADMIT_GOOD, 0 }, /* with absolute and a/link 39 links, and where /tmp is one, 40 */
	{ "l41", ADMIT_SYSTEM, ELOOP },
	{ "loop", ADMIT_SYSTEM, ELOOP },
	{ "dangling", ADMIT_SYSTEM, ENOENT },
	{ "absent", ADMIT_SYSTEM, ENOENT },
	{ "a/b/file/x", ADMIT_SYSTEM, ENOTDIR },
	{ "a", ADMIT_FOLDER, 0 },
	{ "fifo", ADMIT_FIFO, 0 },
	{ "../../dev/null", ADMIT_DEVICE, 0 },
};

static void
test_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (int guarded = 0; guarded <= 1; guarded++) {
			int error;
			enum admit found = find(cases[i].path, guarded, &error);

			if (guarded && geteuid() != 0 && cases[i].expected == ADMIT_GOOD) {
				assert_int_equal(found, ADMIT_OWNER);
				continue;
			}
			if (found != cases[i].expected || error != cases[i].error)
				fail_msg("%s guarded %d: %d, errno %d", cases[i].path, guarded, (int)found, error);
		}
	}
}

static void
test_relative(void **state)
{
	char *resolved;
	struct admit_fault fault;

	(void)state;
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(admit_find("a/link", false, &resolved, &fault), ADMIT_GOOD);
	free(resolved);
	assert_int_equal(admit_find("a/link", true, &resolved, &fault), geteuid() == 0 ? ADMIT_GOOD : ADMIT_OWNER);
	free(resolved);
	assert_int_equal(admit_find("", true, &resolved, &fault), ADMIT_SYSTEM);
	assert_int_equal(fault.error, ENOENT);
	assert_int_equal(chdir("/"), 0);
}

static void
test_long_paths(void **state)
{
	static char path[3 * PATH_MAX];
	char *resolved;
	struct admit_fault fault;

	(void)state;
	for (size_t length = PATH_MAX - 2; length < sizeof path - 1;
	     length += length < PATH_MAX + 2 ? 1 : PATH_MAX / 2) {
		memset(path, '/', length);
		path[length] = '\0';
		assert_int_not_equal(admit_find(path, true, &resolved, &fault), ADMIT_GOOD);
		memset(path, 'a', length);
		assert_int_equal(admit_find(path, true, &resolved, &fault), ADMIT_SYSTEM);
		assert_int_equal(fault.error, ENAMETOOLONG);
	}
}

/* One name more than fits, put together of a folder that exists and what is behind a link. */
static void
test_long_on_the_way(void **state)
{
	char path[PATH_MAX], *resolved;
	struct admit_fault fault;
	size_t length = (size_t)snprintf(path, sizeof path, "%s", folder);

	(void)state;
	while (length + 12 < sizeof path) /* each step the kernel takes is short, the text is long */
		length += (size_t)snprintf(path + length, sizeof path - length, "/a/b/../..");
	snprintf(path + length, sizeof path - length, "/l2");
	assert_true(admit_find(path, true, &resolved, &fault) != ADMIT_FOLDER);
	free(resolved);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_relative),
		cmocka_unit_test(test_long_paths),
		cmocka_unit_test(test_long_on_the_way),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
