/* core/file: written whole or not at all, links, modes, what is written through, bounds, places. */
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
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/file.h"

static char folder[] = "/tmp/kedge-file-XXXXXX";

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

static void
assert_content(const char *name, const char *expected)
{
	char *text;
	size_t length;

	assert_int_equal(file_read(in_folder(name), 1000, &text, &length), 0);
	assert_string_equal(text, expected);
	assert_int_equal(length, strlen(expected));
	free(text);
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
make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/kedge-file-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int
remove_folder(void **state)
{
	char command[300];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

static void
reads_within_the_limit(void **state)
{
	char *text;
	size_t length;

	(void)state;
	put("five", "12345");
	put("none", "");
	assert_int_equal(file_read(in_folder("five"), 5, &text, &length), 0);
	assert_int_equal(length, 5);
	free(text);
	assert_int_equal(file_read(in_folder("five"), 4, &text, &length), EFBIG);
	assert_content("none", "");
	assert_int_equal(file_read(in_folder("missing"), 4, &text, &length), ENOENT);
	assert_int_equal(file_read(folder, 4, &text, &length), EISDIR);
}

/* Without waiting: a FIFO before its writer, with it, and after. */
static void
reads_a_fifo_in_steps(void **state)
{
	struct file_reading reading;
	int writer;

	(void)state;
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(file_read_begin(&reading, in_folder("fifo"), 100), 0);
	assert_int_equal(file_read_on(&reading), EAGAIN);
	writer = open(in_folder("fifo"), O_WRONLY);
	assert_int_equal(file_read_on(&reading), EAGAIN);
	assert_int_equal(write(writer, "text", 4), 4);
	assert_int_equal(file_read_on(&reading), EAGAIN);
	close(writer);
	assert_int_equal(file_read_on(&reading), 0);
	assert_string_equal(reading.text, "text");
	file_read_end(&reading);
	file_read_end(&reading);
	assert_int_equal(file_read_begin(&reading, in_folder("missing"), 100), ENOENT);
	file_read_end(&reading);
	assert_int_equal(file_read_begin(&reading, in_folder("fifo"), 3), 0);
	writer = open(in_folder("fifo"), O_WRONLY);
	close(writer);
	assert_int_equal(file_read_on(&reading), 0); /* somebody came and wrote nothing */
	file_read_end(&reading);
}

static void
reads_what_needs_several_steps(void **state)
{
	char *text;
	size_t length;
	FILE *file = fopen(in_folder("large"), "w");

	(void)state;
	assert_non_null(file);
	for (int i = 0; i < 100000; i++)
		fputc('a' + i % 26, file);
	fclose(file);
	assert_int_equal(file_read(in_folder("large"), 100000, &text, &length), 0);
	assert_int_equal(length, 100000);
	assert_int_equal(text[99999], 'a' + 99999 % 26);
	free(text);
	assert_int_equal(file_read(in_folder("large"), 99999, &text, &length), EFBIG);
}

static void
appears_whole(void **state)
{
	struct file_output output;
	char *text;
	size_t length;

	(void)state;
	assert_int_equal(file_create(&output, in_folder("new")), 0);
	assert_false(output.through);
	assert_int_equal(write(output.fd, "whole", 5), 5);
	assert_int_equal(file_read(in_folder("new"), 10, &text, &length), ENOENT);
	assert_int_equal(count_names(), 1);
	assert_int_equal(file_commit(&output), 0);
	assert_content("new", "whole");
	assert_int_equal(count_names(), 1);
	file_abort(&output); /* harmless */
	assert_content("new", "whole");
}

static void
leaves_the_old_file_when_aborted(void **state)
{
	struct file_output output;

	(void)state;
	put("old", "old");
	assert_int_equal(file_create(&output, in_folder("old")), 0);
	assert_int_equal(write(output.fd, "half", 4), 4);
	file_abort(&output);
	file_abort(&output);
	assert_content("old", "old");
	assert_int_equal(count_names(), 1);
}

static void
keeps_mode_and_link(void **state)
{
	struct file_output output;
	struct stat status;

	(void)state;
	put("target", "old");
	assert_int_equal(chmod(in_folder("target"), 0640), 0);
	assert_int_equal(symlink("target", in_folder("link")), 0);
	assert_int_equal(file_create(&output, in_folder("link")), 0);
	assert_int_equal(write(output.fd, "new", 3), 3);
	assert_int_equal(file_commit(&output), 0);
	assert_content("target", "new");
	assert_int_equal(lstat(in_folder("link"), &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_int_equal(stat(in_folder("target"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
}

static void
follows_a_link_to_nothing(void **state)
{
	struct file_output output;
	struct file_place place, same;
	struct stat status;

	(void)state;
	assert_int_equal(symlink("new", in_folder("link")), 0);
	assert_int_equal(file_place(in_folder("link"), &place), 0);
	assert_int_equal(file_place(in_folder("new"), &same), 0);
	assert_true(place.device == same.device && place.inode == same.inode);
	assert_string_equal(place.name, same.name);
	free(place.name);
	free(same.name);
	assert_int_equal(file_create(&output, in_folder("link")), 0);
	assert_int_equal(write(output.fd, "new", 3), 3);
	assert_int_equal(file_commit(&output), 0);
	assert_content("new", "new");
	assert_int_equal(lstat(in_folder("link"), &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_int_equal(symlink("round", in_folder("round")), 0);
	assert_int_equal(file_create(&output, in_folder("round")), ELOOP);
	assert_int_equal(symlink("later", in_folder("others")), 0);
	assert_int_equal(chmod(folder, 0777), 0);
	assert_int_equal(file_create(&output, in_folder("others")), ELOOP);
	assert_int_equal(chmod(folder, 0700), 0);
}

static void
a_replacement_keeps_mode_attributes_and_link(void **state)
{
	struct file_output output;
	struct stat status;
	char value[8] = { 0 };

	(void)state;
	put("target", "old");
	assert_int_equal(chmod(in_folder("target"), 0600), 0);
	if (setxattr(in_folder("target"), "user.note", "kept", 4, 0) != 0)
		assert_int_equal(errno, ENOTSUP); /* not every file system has them */
	assert_int_equal(symlink("target", in_folder("link")), 0);
	assert_int_equal(file_replace(&output, in_folder("link")), 0);
	assert_int_equal(write(output.fd, "new", 3), 3);
	assert_content("target", "old");
	assert_int_equal(file_commit(&output), 0);
	assert_content("target", "new");
	assert_int_equal(lstat(in_folder("link"), &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_int_equal(stat(in_folder("target"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	if (getxattr(in_folder("target"), "user.note", value, sizeof value) < 0)
		assert_int_equal(errno, ENOTSUP);
	else
		assert_string_equal(value, "kept");
	assert_int_equal(count_names(), 2);
}

static void
a_replacement_keeps_the_owner(void **state)
{
	struct file_output output;
	struct stat status;

	(void)state;
	if (geteuid() != 0)
		skip();
	put("theirs", "old");
	assert_int_equal(chown(in_folder("theirs"), 12345, 54321), 0);
	assert_int_equal(chmod(in_folder("theirs"), 0640), 0);
	assert_int_equal(file_replace(&output, in_folder("theirs")), 0);
	assert_int_equal(file_commit(&output), 0);
	assert_int_equal(stat(in_folder("theirs"), &status), 0);
	assert_int_equal(status.st_uid, 12345);
	assert_int_equal(status.st_gid, 54321);
	assert_int_equal(status.st_mode & 07777, 0640);
}

/* Somebody who may write the file and its folder, but can't give a file away. */
static void
a_replacement_that_would_change_the_owner_is_refused(void **state)
{
	struct file_output output;
	int status;
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip();
	put("theirs", "old");
	assert_int_equal(chmod(in_folder("theirs"), 0666), 0);
	assert_int_equal(chmod(folder, 0777), 0);
	child = fork();
	if (child == 0) {
		if (setgid(54321) != 0 || setuid(12345) != 0)
			_exit(1);
		_exit(file_replace(&output, in_folder("theirs")) == EPERM ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_content("theirs", "old");
	assert_int_equal(count_names(), 1);
}

static void
a_replacement_is_nobody_elses_before_it_has_its_mode(void **state)
{
	struct file_output output;
	struct stat status;
	mode_t before = umask(0);

	(void)state;
	put("secret", "old");
	assert_int_equal(chmod(in_folder("secret"), 0400), 0);
	assert_int_equal(file_replace(&output, in_folder("secret")), geteuid() == 0 ? 0 : EACCES);
	umask(before);
	if (geteuid() != 0)
		return;
	assert_int_equal(fstat(output.fd, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0400);
	file_abort(&output);
	assert_content("secret", "old");
}

static void
only_a_regular_file_is_replaced(void **state)
{
	struct file_output output;

	(void)state;
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(symlink("nowhere", in_folder("dangling")), 0);
	assert_int_equal(file_replace(&output, in_folder("fifo")), EINVAL);
	assert_int_equal(file_replace(&output, folder), EISDIR);
	assert_int_equal(file_replace(&output, in_folder("missing")), ENOENT);
	assert_int_equal(file_replace(&output, in_folder("dangling")), ENOENT);
	assert_int_equal(count_names(), 2);
}

static void
a_link_that_others_may_replace_is_not_followed(void **state)
{
	struct file_output output;

	(void)state;
	put("target", "old");
	assert_int_equal(mkdir(in_folder("open"), 0700), 0);
	assert_int_equal(symlink("../target", in_folder("open/link")), 0);
	assert_int_equal(symlink("open/link", in_folder("chain")), 0);
	assert_int_equal(file_replace(&output, in_folder("chain")), 0);
	file_abort(&output);
	assert_int_equal(chmod(in_folder("open"), 0777), 0);
	assert_int_equal(file_replace(&output, in_folder("open/link")), ELOOP);
	assert_int_equal(file_replace(&output, in_folder("chain")), ELOOP);
	assert_int_equal(chmod(in_folder("open"), 01777), 0); /* ours, and only we may take it away */
	assert_int_equal(file_replace(&output, in_folder("chain")), 0);
	file_abort(&output);
	assert_content("target", "old");
}

static void
a_new_file_obeys_the_umask(void **state)
{
	struct file_output output;
	struct stat status;
	mode_t before = umask(027);

	(void)state;
	assert_int_equal(file_create(&output, in_folder("new")), 0);
	assert_int_equal(file_commit(&output), 0);
	umask(before);
	assert_int_equal(stat(in_folder("new"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
}

static void
writes_through_a_fifo(void **state)
{
	struct file_output output;
	struct stat status;
	char bytes[8] = { 0 };
	int fd;

	(void)state;
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	fd = open(in_folder("fifo"), O_RDONLY | O_NONBLOCK);
	assert_int_equal(file_create(&output, in_folder("fifo")), 0);
	assert_true(output.through);
	assert_int_equal(write(output.fd, "bytes", 5), 5);
	assert_int_equal(file_commit(&output), 0);
	assert_int_equal(read(fd, bytes, sizeof bytes), 5);
	close(fd);
	assert_int_equal(stat(in_folder("fifo"), &status), 0);
	assert_true(S_ISFIFO(status.st_mode));
}

static void
a_named_descriptor_is_not_truncated(void **state)
{
	struct file_output output;
	char path[32];
	int fd = open(in_folder("log"), O_WRONLY | O_CREAT, 0600);

	(void)state;
	assert_int_equal(write(fd, "before ", 7), 7);
	snprintf(path, sizeof path, "/dev/fd/%d", fd);
	assert_int_equal(file_create(&output, path), 0);
	assert_true(output.through);
	assert_int_equal(write(output.fd, "after", 5), 5);
	assert_int_equal(file_commit(&output), 0);
	close(fd);
	assert_content("log", "before after");
}

static void
says_why_it_cannot(void **state)
{
	struct file_output output;

	(void)state;
	assert_int_equal(file_create(&output, folder), EISDIR);
	assert_int_equal(file_create(&output, in_folder("no/such")), ENOENT);
	put("file", "");
	assert_int_equal(file_create(&output, in_folder("file/below")), ENOTDIR);
	assert_int_equal(file_create(&output, "/dev/fd/999"), EBADF);
}

static void
at_most_so_many_unfinished(void **state)
{
	struct file_output outputs[FILE_UNFINISHED_MAX], more;
	char name[32];

	(void)state;
	for (int i = 0; i < FILE_UNFINISHED_MAX; i++) {
		snprintf(name, sizeof name, "file%d", i);
		assert_int_equal(file_create(&outputs[i], in_folder(name)), 0);
	}
	assert_int_equal(file_create(&more, in_folder("more")), EMFILE);
	file_abort(&outputs[3]);
	assert_int_equal(file_create(&more, in_folder("more")), 0);
	file_abort(&more);
	for (int i = 0; i < FILE_UNFINISHED_MAX; i++)
		file_abort(&outputs[i]);
	assert_int_equal(count_names(), 0);
}

static void
the_handler_unlinks_what_is_unfinished(void **state)
{
	struct file_output finished, unfinished;

	(void)state;
	assert_int_equal(file_create(&finished, in_folder("finished")), 0);
	assert_int_equal(file_commit(&finished), 0);
	assert_int_equal(file_create(&unfinished, in_folder("unfinished")), 0);
	assert_int_equal(count_names(), 2);
	file_unlink_unfinished();
	assert_int_equal(count_names(), 1);
	assert_content("finished", "");
	file_abort(&unfinished);
}

static void
a_full_pipe_is_not_written_to(void **state)
{
	char bytes[FILE_CHUNK * 2] = { 0 };
	int ends[2];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	while ((n = file_try_write(ends[1], bytes, sizeof bytes)) > 0)
		assert_true(n <= FILE_CHUNK);
	assert_int_equal(n, -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(read(ends[0], bytes, sizeof bytes), sizeof bytes);
	assert_int_equal(file_try_write(ends[1], bytes, 10), 10);
	close(ends[0]);
	close(ends[1]);
}

static void
an_empty_pipe_is_not_read_from(void **state)
{
	char bytes[8];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(file_try_read(ends[0], bytes, sizeof bytes), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(write(ends[1], "abc", 3), 3);
	assert_int_equal(file_try_read(ends[0], bytes, sizeof bytes), 3);
	close(ends[1]);
	assert_int_equal(file_try_read(ends[0], bytes, sizeof bytes), 0);
	close(ends[0]);
}

static bool
same_place(const char *one, const char *other)
{
	struct file_place a, b;
	bool same;

	assert_int_equal(file_place(one, &a), 0);
	assert_int_equal(file_place(other, &b), 0);
	same = a.device == b.device && a.inode == b.inode && !a.name == !b.name &&
	       (!a.name || strcmp(a.name, b.name) == 0);
	free(a.name);
	free(b.name);
	return same;
}

static void
knows_one_place_by_two_names(void **state)
{
	struct file_place place;

	(void)state;
	put("file", "");
	assert_int_equal(symlink("file", in_folder("link")), 0);
	assert_true(same_place(in_folder("file"), in_folder("link")));
	assert_true(same_place(in_folder("./new"), in_folder("new")));
	assert_false(same_place(in_folder("new"), in_folder("newer")));
	assert_false(same_place(in_folder("file"), in_folder("new")));
	assert_int_equal(file_place(in_folder("no/such"), &place), ENOENT);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(reads_within_the_limit),
		CASE(reads_a_fifo_in_steps),
		CASE(reads_what_needs_several_steps),
		CASE(appears_whole),
		CASE(leaves_the_old_file_when_aborted),
		CASE(keeps_mode_and_link),
		CASE(follows_a_link_to_nothing),
		CASE(a_replacement_keeps_mode_attributes_and_link),
		CASE(a_replacement_keeps_the_owner),
		CASE(a_replacement_that_would_change_the_owner_is_refused),
		CASE(a_replacement_is_nobody_elses_before_it_has_its_mode),
		CASE(only_a_regular_file_is_replaced),
		CASE(a_link_that_others_may_replace_is_not_followed),
		CASE(a_new_file_obeys_the_umask),
		CASE(writes_through_a_fifo),
		CASE(a_named_descriptor_is_not_truncated),
		CASE(says_why_it_cannot),
		CASE(at_most_so_many_unfinished),
		CASE(the_handler_unlinks_what_is_unfinished),
		CASE(a_full_pipe_is_not_written_to),
		CASE(an_empty_pipe_is_not_read_from),
		CASE(knows_one_place_by_two_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
