/* core/tree: links are followed inside the tree and nowhere else; lists; bounds. */
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

#include "core/tree.h"

static char folder[] = "/tmp/kedge-tree-XXXXXX";

static int
make_tree(void **state)
{
	char command[800];

	(void)state;
	memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
	if (!mkdtemp(folder))
		return -1;
	snprintf(command, sizeof command,
	         "cd %s && mkdir -p root/etc/ssl root/usr/share && echo in >root/usr/share/file && echo out >outside &&"
	         " cd root/etc && ln -s /usr/share/file absolute && ln -s ../usr/share/file relative &&"
	         " ln -s ../../../../usr/share/file above && ln -s ../../outside escape && ln -s /etc/loop loop &&"
	         " ln -s /usr/share folder && ln -s nowhere dangling && ln -s / slash", folder);
	return system(command);
}

static int
remove_tree(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

static int
resolve(const char *path, const char *expected)
{
	char root[100], wanted[200], *found = NULL;
	int error;

	snprintf(root, sizeof root, "%s/root/", folder);
	error = tree_resolve(root, path, &found);
	if (!error) {
		snprintf(wanted, sizeof wanted, "%s/root%s", folder, expected);
		assert_string_equal(found, wanted);
	}
	free(found);
	return error;
}

static void
links_stay_inside(void **state)
{
	static const char *const paths[] = {
		"/usr/share/file", "usr//share/./file", "/etc/absolute", "/etc/relative", "/etc/above", "/etc/folder/file",
		"/etc/ssl/../relative", "/../../usr/share/file", "/etc/slash/etc/slash/usr/share/file",
	};

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		assert_int_equal(resolve(paths[i], "/usr/share/file"), 0);
	assert_int_equal(resolve("/", ""), 0);
	assert_int_equal(resolve("/etc/slash", ""), 0);
	assert_int_equal(resolve("/etc/folder/..", "/usr"), 0);
}

static void
says_what_does_not_lead_anywhere(void **state)
{
	(void)state;
	assert_int_equal(resolve("/etc/escape", ""), ENOENT);
	assert_int_equal(resolve("/etc/dangling", ""), ENOENT);
	assert_int_equal(resolve("/etc/loop", ""), ELOOP);
	assert_int_equal(resolve("/usr/share/file/x", ""), ENOTDIR);
}

static void
bounds_hold(void **state)
{
	char path[8192], *found = NULL;

	(void)state;
	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	assert_int_equal(tree_resolve("/", path, &found), ENAMETOOLONG);
	assert_int_equal(tree_resolve(path, "/", &found), ENAMETOOLONG);
	path[4000] = '\0';
	path[0] = '/';
	assert_int_equal(tree_resolve(folder, path, &found), ENAMETOOLONG);
	assert_int_equal(tree_resolve("/", "/", &found), 0);
	assert_string_equal(found, "/");
	free(found);
}

static void
lists_names_in_order(void **state)
{
	char path[100], **names;
	size_t count;

	(void)state;
	snprintf(path, sizeof path, "%s/root", folder);
	assert_int_equal(tree_list(path, &names, &count), 0);
	assert_int_equal(count, 2);
	assert_string_equal(names[0], "etc");
	assert_string_equal(names[1], "usr");
	tree_free_names(names, count);
	assert_int_equal(tree_list("/dev/null", &names, &count), ENOTDIR);
	assert_int_equal(tree_list("/no/such", &names, &count), ENOENT);
}

static void
more_names_than_the_bound(void **state)
{
	char command[300], path[100], **names;
	size_t count;

	(void)state;
	snprintf(path, sizeof path, "%s/many", folder);
	snprintf(command, sizeof command, "mkdir %s && cd %s && seq %d | xargs touch", path, path, TREE_NAMES_MAX + 1);
	assert_int_equal(system(command), 0);
	assert_int_equal(tree_list(path, &names, &count), EFBIG);
}

static void
knows_file_systems(void **state)
{
	struct tree_system found = { "x", true };

	(void)state;
	assert_int_equal(tree_system("/proc", &found), 0);
	assert_null(found.temporary);
	assert_int_equal(tree_system("/no/such", &found), ENOENT);
	if (access("/dev/shm", W_OK) == 0) {
		assert_int_equal(tree_system("/dev/shm", &found), 0);
		assert_string_equal(found.temporary, "tmpfs");
		assert_false(found.read_only);
	}
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, make_tree, remove_tree)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(links_stay_inside),
		CASE(says_what_does_not_lead_anywhere),
		CASE(bounds_hold),
		CASE(lists_names_in_order),
		CASE(more_names_than_the_bound),
		CASE(knows_file_systems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
