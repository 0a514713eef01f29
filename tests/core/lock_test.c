/* core/lock: who has it, that it ends with its process, and what it isn't taken through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "core/lock.h"

static char folder[] = "/tmp/kedge-lock-XXXXXX";

static const char *
in_folder(const char *name)
{
	static char path[2][256];
	static unsigned turn;

	turn ^= 1U;
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

static int
begin(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/kedge-lock-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int
end(void **state)
{
	char command[300];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

/* A process that holds a lock until it is killed. */
static pid_t
start_holder(const char *name, enum lock_kind kind)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct lock lock;
		pid_t holder;

		if (lock_take(&lock, in_folder(name), kind, &holder) != 0 || (kind == LOCK_FLOCK && lock_write_pid(&lock) != 0))
			_exit(1);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void
assert_held_by_another(enum lock_kind kind)
{
	struct lock lock;
	pid_t other = start_holder("lock", kind), holder;

	assert_int_equal(lock_take(&lock, in_folder("lock"), kind, &holder), EWOULDBLOCK);
	assert_int_equal(holder, other);
	assert_int_equal(lock.fd, -1);
	lock_close(&lock);
	kill(other, SIGKILL);
	assert_int_equal(waitpid(other, NULL, 0), other);
	assert_int_equal(lock_take(&lock, in_folder("lock"), kind, &holder), 0);
	assert_int_equal(holder, 0);
	assert_int_equal(fcntl(lock.fd, F_GETFD), FD_CLOEXEC);
	lock_close(&lock);
	lock_close(&lock);
}

static void
is_held_by_one_and_ends_with_it(void **state)
{
	(void)state;
	assert_held_by_another(LOCK_FLOCK);
	put("lock", "");
	assert_held_by_another(LOCK_POSIX);
}

static void
is_made_for_nobody_else(void **state)
{
	struct lock lock;
	struct stat status;
	char expected[32], *text;
	size_t length;
	pid_t holder;

	(void)state;
	umask(0);
	assert_int_equal(lock_take(&lock, in_folder("new"), LOCK_FLOCK, &holder), 0);
	umask(022);
	assert_int_equal(stat(in_folder("new"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(lock_write_pid(&lock), 0);
	assert_int_equal(lock_write_pid(&lock), 0);
	snprintf(expected, sizeof expected, "%ld\n", (long)getpid());
	assert_int_equal(file_read(in_folder("new"), 100, &text, &length), 0);
	assert_string_equal(text, expected);
	free(text);
	lock_close(&lock);
}

/* A number in the file that names no process is not told: a child may hold what its dead parent noted. */
static void
names_the_living_only(void **state)
{
	static const char *const notes[] = { "", "no number\n", "-1\n", "0\n", "2147483647\n",
		"99999999999999999999999999999999999999\n" };
	struct lock lock, other;
	pid_t holder;

	(void)state;
	assert_int_equal(lock_take(&lock, in_folder("lock"), LOCK_FLOCK, &holder), 0);
	for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
		put("lock", notes[i]);
		assert_int_equal(lock_take(&other, in_folder("lock"), LOCK_FLOCK, &holder), EWOULDBLOCK);
		assert_int_equal(holder, 0);
	}
	lock_close(&lock);
}

static void
refuses(void **state)
{
	static const struct {
		const char *name;
		int flock_error, posix_error;
	} cases[] = {
		{ "link", ELOOP, ELOOP },
		{ "dangling", ELOOP, ELOOP },
		{ "fifo", EINVAL, EINVAL },
		{ "second", EMLINK, 0 },
		{ ".", EISDIR, EISDIR },
		{ "missing", 0, ENOENT },
		{ "no/lock", ENOENT, ENOENT },
	};

	(void)state;
	put("file", "");
	assert_int_equal(symlink("file", in_folder("link")), 0);
	assert_int_equal(symlink("nowhere", in_folder("dangling")), 0);
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(link(in_folder("file"), in_folder("second")), 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct lock lock;
		pid_t holder;

		assert_int_equal(lock_take(&lock, in_folder(cases[i].name), LOCK_POSIX, &holder), cases[i].posix_error);
		lock_close(&lock);
		assert_int_equal(lock_take(&lock, in_folder(cases[i].name), LOCK_FLOCK, &holder), cases[i].flock_error);
		lock_close(&lock);
	}
}

static void
is_about_the_file_that_has_the_name_now(void **state)
{
	struct lock old, new, third;
	pid_t holder;

	(void)state;
	assert_int_equal(lock_take(&old, in_folder("lock"), LOCK_FLOCK, &holder), 0);
	assert_int_equal(unlink(in_folder("lock")), 0);
	assert_int_equal(lock_take(&new, in_folder("lock"), LOCK_FLOCK, &holder), 0);
	assert_int_equal(lock_take(&third, in_folder("lock"), LOCK_FLOCK, &holder), EWOULDBLOCK);
	lock_close(&old);
	lock_close(&new);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_held_by_one_and_ends_with_it, begin, end),
		cmocka_unit_test_setup_teardown(is_made_for_nobody_else, begin, end),
		cmocka_unit_test_setup_teardown(names_the_living_only, begin, end),
		cmocka_unit_test_setup_teardown(refuses, begin, end),
		cmocka_unit_test_setup_teardown(is_about_the_file_that_has_the_name_now, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
