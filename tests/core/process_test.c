/* core/process: what a program is given and what comes back of it, its bounds, its end and that of its group. */
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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/lock.h"
#include "core/loop.h"
#include "core/process.h"

static struct loop loop;
static char folder[] = "/tmp/kedge-process-XXXXXX";
static char text[PROCESS_LIMIT_MAX + 100]; /* of the last output that was asked for */

static int
begin(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* orphans come to us, so that their end is seen */
	strcpy(folder, "/tmp/kedge-process-XXXXXX");
	return mkdtemp(folder) ? loop_open(&loop) : -1;
}

static int
end(void **state)
{
	char command[300];

	(void)state;
	loop_close(&loop);
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

static const char *
in_folder(const char *name)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void
count(void *context)
{
	++*(int *)context;
}

static struct process_plan
plan_of(const char *const *arguments)
{
	return (struct process_plan){ .arguments = arguments, .timeout = -1, .limit = PROCESS_LIMIT };
}

static void
wait_for(const int *ended)
{
	while (*ended == 0)
		assert_true(loop_turn(&loop, true) || *ended > 0);
}

/* Runs it to its end. The caller closes. */
static void
run_plan(struct process *process, const struct process_plan *plan)
{
	int ended = 0;

	assert_int_equal(process_start(process, &loop, plan, count, &ended), 0);
	wait_for(&ended);
	assert_int_equal(ended, 1);
	assert_true(process->over);
	assert_false(loop_turn(&loop, false)); /* nothing is left in the loop */
}

static const char *
text_of(const struct process_stream *stream)
{
	size_t length;
	char *whole = process_text_whole(&stream->text, &length);

	assert_non_null(whole);
	assert_true(length < sizeof text);
	memcpy(text, whole, length);
	text[length] = '\0';
	free(whole);
	return text;
}

#define SHELL(script) ((const char *const[]){ "/bin/sh", "-c", script, NULL })

/* What a shell's script prints, which ends well. */
static void
assert_prints(const struct process_plan *plan, const char *expected)
{
	struct process process;

	run_plan(&process, plan);
	assert_int_equal(process.fault.step, PROCESS_RUNS);
	assert_string_equal(text_of(&process.errors), "");
	assert_string_equal(text_of(&process.output), expected);
	assert_int_equal(process.status, 0);
	process_close(&process);
}

static void
says_how_it_ended(void **state)
{
	static const struct {
		const char *script;
		int status, signal;
	} cases[] = {
		{ "exit 0", 0, -1 },
		{ "exit 255", 255, -1 },
		{ "kill -KILL $$", -1, SIGKILL },
		{ "kill -TERM $$", -1, SIGTERM },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct process_plan plan = plan_of(SHELL(cases[i].script));
		struct process process;

		run_plan(&process, &plan);
		assert_int_equal(process.status, cases[i].status);
		assert_int_equal(process.signal, cases[i].signal);
		assert_false(process.timed_out);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* reaped */
		process_close(&process);
		process_close(&process);
	}
}

static void
keeps_two_outputs_or_one(void **state)
{
	struct process_plan plan = plan_of(SHELL("echo out; echo err >&2; echo out"));
	struct process process;

	(void)state;
	run_plan(&process, &plan);
	assert_string_equal(text_of(&process.output), "out\nout\n");
	assert_string_equal(text_of(&process.errors), "err\n");
	process_close(&process);
	plan.merge = true;
	assert_prints(&plan, "out\nerr\nout\n");
}

static void
gives_it_an_input(void **state)
{
	struct process_plan plan = plan_of(SHELL("wc -c | tr -d ' '"));
	static char much[1000000];

	(void)state;
	assert_prints(&plan, "0\n");
	plan.input = "";
	assert_prints(&plan, "0\n");
	memset(much, 'x', sizeof much);
	plan.input = much;
	plan.input_length = sizeof much;
	assert_prints(&plan, "1000000\n");
	plan.arguments = SHELL("exec <&-; echo unread");
	assert_prints(&plan, "unread\n");
}

static void
gives_it_an_environment_and_a_folder(void **state)
{
	struct process_plan plan = plan_of((const char *const[]){ "env", NULL });

	(void)state;
	setenv("KEDGE_TEST", "inherited", 1);
	plan.environment = (const char *const[]){ "A=1 2", "EMPTY=", NULL };
	assert_prints(&plan, "A=1 2\nEMPTY=\n"); /* and found without PATH */
	plan.environment = NULL;
	plan.arguments = SHELL("echo $KEDGE_TEST");
	assert_prints(&plan, "inherited\n");
	plan.folder = "/usr";
	plan.arguments = (const char *const[]){ "pwd", NULL };
	assert_prints(&plan, "/usr\n");
}

/* A file of the folder that can be executed, with this content. */
static void
put_program(const char *name, const char *content, mode_t mode)
{
	FILE *file = fopen(in_folder(name), "w");

	assert_non_null(file);
	fputs(content, file);
	assert_int_equal(fchmod(fileno(file), mode), 0);
	assert_int_equal(fclose(file), 0);
}

static void
names_what_cannot_be_run(void **state)
{
	char path[300], program[256];
	struct {
		const char *name, *root, *folder;
		enum process_step step;
		int error;
	} cases[] = {
		{ "missing", NULL, NULL, PROCESS_PROGRAM, ENOENT },
		{ "", NULL, NULL, PROCESS_PROGRAM, ENOENT },
		{ "/etc/passwd/x", NULL, NULL, PROCESS_PROGRAM, ENOTDIR },
		{ "not-executable", NULL, NULL, PROCESS_PROGRAM, EACCES },
		{ program, NULL, NULL, PROCESS_PROGRAM, ENOEXEC },
		{ "no-interpreter", NULL, NULL, PROCESS_PROGRAM, ENOENT },
		{ "sh", NULL, "/missing", PROCESS_FOLDER, ENOENT },
		{ "sh", "/missing", NULL, PROCESS_ROOT, ENOENT },
		{ "sh", folder, NULL, PROCESS_PROGRAM, ENOENT },
	};

	(void)state;
	put_program("not-executable", "#!/bin/sh\n", 0644);
	put_program("no-program", "nothing that a kernel knows\n", 0755);
	put_program("no-interpreter", "#!/missing/interpreter\n", 0755);
	snprintf(path, sizeof path, "PATH=/missing:%s:/bin", folder);
	snprintf(program, sizeof program, "%s", in_folder("no-program"));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct process_plan plan = plan_of((const char *const[]){ cases[i].name, NULL });
		bool refused = cases[i].root && geteuid() != 0;
		struct process process;

		plan.environment = (const char *const[]){ path, NULL };
		plan.root = cases[i].root;
		plan.folder = cases[i].folder;
		run_plan(&process, &plan);
		assert_int_equal(process.fault.step, refused ? PROCESS_ROOT : cases[i].step);
		if (!refused)
			assert_int_equal(process.fault.error, cases[i].error);
		process_close(&process);
	}
}

static void
looks_a_program_up_in_its_path(void **state)
{
	struct process_plan plan = plan_of((const char *const[]){ "tool", NULL });
	char path[300];

	(void)state;
	put_program("tool", "#!/bin/sh\necho mine\n", 0755);
	snprintf(path, sizeof path, "PATH=/missing:/etc/passwd:%s:/bin", folder);
	plan.environment = (const char *const[]){ path, NULL };
	assert_prints(&plan, "mine\n");
	plan.environment = (const char *const[]){ "PATH=:/bin", NULL }; /* an empty one is the current folder */
	plan.folder = folder;
	assert_prints(&plan, "mine\n");
}

static void
closes_what_is_not_to_be_kept(void **state)
{
	enum { OPEN = 20, KEPT = 21, HIGH = 200 };
	struct process_plan plan =
		plan_of(SHELL("for f in /proc/$$/fd/*; do [ -e $f ] && [ ${f##*/} -gt 2 ] && echo ${f##*/}; done; :"));
	int fd = open("/dev/null", O_RDWR), kept = KEPT;

	(void)state;
	assert_int_equal(dup2(fd, OPEN), OPEN);
	assert_int_equal(dup2(fd, HIGH), HIGH);
	assert_int_equal(fcntl(fd, F_DUPFD_CLOEXEC, KEPT), KEPT);
	assert_prints(&plan, "");
	plan.keep = &kept;
	plan.keep_count = 1;
	assert_prints(&plan, "21\n");
	assert_int_equal(fcntl(KEPT, F_GETFD), FD_CLOEXEC); /* here it is as it was */
	close(fd);
	close(OPEN);
	close(KEPT);
	close(HIGH);
}

static void
works_where_standard_input_is_closed(void **state)
{
	struct process_plan plan = plan_of(SHELL("cat"));
	int saved = dup(STDIN_FILENO);

	(void)state;
	close(STDIN_FILENO);
	assert_prints(&plan, "");
	plan.input = "text";
	plan.input_length = 4;
	assert_prints(&plan, "text");
	assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), -1);
	if (saved >= 0) {
		dup2(saved, STDIN_FILENO);
		close(saved);
	}
}

static void
gives_signals_their_standard_ways(void **state)
{
	static const struct {
		const char *script;
		int signal;
	} cases[] = { { "kill -USR1 $$", SIGUSR1 }, { "kill -PIPE $$", SIGPIPE }, { "kill -HUP $$", -1 } };
	sigset_t blocked;

	(void)state;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGHUP, SIG_IGN); /* as nohup does: stays */
	signal(SIGCHLD, SIG_IGN); /* would take the status away */
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct process_plan plan = plan_of(SHELL(cases[i].script));
		struct process process;

		run_plan(&process, &plan);
		assert_int_equal(process.signal, cases[i].signal);
		assert_int_equal(process.status, cases[i].signal == -1 ? 0 : -1);
		process_close(&process);
	}
	signal(SIGHUP, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
}

/* What is kept of the numbers 0, 1, 2, ... as bytes, given in pieces. */
static void
assert_kept(size_t limit, size_t total, size_t piece)
{
	struct process_text kept;
	unsigned char bytes[64];
	size_t length, given = 0, head = limit / 2, left_out = total > limit ? total - limit : 0;
	char *whole, line[64];

	assert_int_equal(process_text_open(&kept, limit), 0);
	while (given < total) {
		size_t n = 0;

		while (n < piece && given < total)
			bytes[n++] = (unsigned char)given++;
		process_text_add(&kept, (const char *)bytes, n);
	}
	whole = process_text_whole(&kept, &length);
	snprintf(line, sizeof line, "%s[%zu bytes left out]\n", head > 0 ? "\n" : "", left_out);
	assert_int_equal(length, total - left_out + (left_out ? strlen(line) : 0));
	for (size_t i = 0; i < (left_out ? head : total); i++)
		assert_int_equal((unsigned char)whole[i], (unsigned char)i);
	if (left_out)
		assert_memory_equal(whole + head, line, strlen(line));
	for (size_t i = 1; i <= (left_out ? limit - head : 0); i++)
		assert_int_equal((unsigned char)whole[length - i], (unsigned char)(total - i));
	free(whole);
	process_text_close(&kept);
}

static void
keeps_beginning_and_end(void **state)
{
	static const size_t limits[] = { 1, 2, 7, 100 }, pieces[] = { 1, 3, 64 };

	(void)state;
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		for (size_t j = 0; j < sizeof pieces / sizeof *pieces; j++) {
			for (size_t total = 0; total < 4 * limits[i]; total++)
				assert_kept(limits[i], total, pieces[j]);
		}
	}
}

static void
drains_a_flood(void **state)
{
	struct process_plan plan = plan_of(SHELL("echo first; yes | head -c 10000000; echo last; echo e >&2"));
	struct process process;

	(void)state;
	plan.limit = 40;
	run_plan(&process, &plan);
	assert_int_equal(process.status, 0); /* nobody closed the pipe under it */
	assert_int_equal(process.output.text.total, 10000011);
	assert_string_equal(text_of(&process.errors), "e\n");
	text_of(&process.output);
	assert_memory_equal(text, "first\ny\ny\ny\ny\ny\ny\ny\n[9999971 bytes left out]\n", 45);
	assert_string_equal(strstr(text, "last"), "last\n");
	process_close(&process);
}

static void
ends_it_after_its_time(void **state)
{
	static const struct {
		const char *script;
		int status, signal;
	} cases[] = {
		{ "exec sleep 1000", -1, SIGTERM },
		{ "trap 'exit 5' TERM; sleep 1000 & wait", 5, -1 },
		{ "kill -STOP $$", -1, SIGTERM },
		{ "trap '' TERM; sleep 1000 & sleep 1000", -1, SIGKILL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct process_plan plan = plan_of(SHELL(cases[i].script));
		struct process process;

		plan.timeout = 0.2;
		run_plan(&process, &plan);
		assert_true(process.timed_out);
		assert_int_equal(process.status, cases[i].status);
		assert_int_equal(process.signal, cases[i].signal);
		process_close(&process);
	}
	while (waitpid(-1, NULL, 0) > 0) /* orphans of the group, which have ended too: this ends */
		;
}

/* Starts a script whose first line of output is a number, and waits for that. */
static pid_t
start_and_hear(struct process *process, const char *script)
{
	struct process_plan plan = plan_of(SHELL(script));
	static int ended;

	assert_int_equal(process_start(process, &loop, &plan, count, &ended), 0);
	while (!strchr(text_of(&process->output), '\n'))
		assert_true(loop_turn(&loop, true));
	return (pid_t)strtol(text, NULL, 10);
}

static void
takes_its_group_with_it(void **state)
{
	struct process process;
	pid_t orphan = start_and_hear(&process, "trap '' TERM HUP; sleep 1000 & echo $!; wait");
	int status;

	(void)state;
	process_close(&process);
	assert_int_equal(waitpid(orphan, &status, 0), orphan);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_false(loop_turn(&loop, false));
	process_close(&process);
}

static void
does_not_wait_for_a_daemon(void **state)
{
	struct process_plan plan = plan_of(SHELL("sleep 1000 & echo $!"));
	struct process process;
	pid_t orphan;

	(void)state;
	run_plan(&process, &plan);
	assert_int_equal(process.status, 0);
	orphan = (pid_t)strtol(text_of(&process.output), NULL, 10);
	process_close(&process);
	assert_int_equal(waitpid(orphan, NULL, WNOHANG), 0); /* lives */
	kill(orphan, SIGKILL);
	assert_int_equal(waitpid(orphan, NULL, 0), orphan);
}

static void
lets_a_lock_be_inherited(void **state)
{
	struct process_plan plan;
	struct process process;
	struct lock lock, other;
	char script[300], path[256], fifo[256];
	int ended = 0, fd;
	pid_t holder;

	(void)state;
	snprintf(path, sizeof path, "%s", in_folder("lock"));
	snprintf(fifo, sizeof fifo, "%s", in_folder("fifo"));
	assert_int_equal(mkfifo(fifo, 0600), 0);
	snprintf(script, sizeof script, "cat '%s'", fifo);
	plan = plan_of(SHELL(script));
	assert_int_equal(lock_take(&lock, path, LOCK_FLOCK, &holder), 0);
	assert_int_equal(lock_write_pid(&lock), 0);
	plan.keep = &lock.fd;
	plan.keep_count = 1;
	assert_int_equal(process_start(&process, &loop, &plan, count, &ended), 0);
	lock_close(&lock);
	assert_int_equal(lock_take(&other, path, LOCK_FLOCK, &holder), EWOULDBLOCK);
	assert_int_equal(holder, getpid());
	fd = open(fifo, O_WRONLY);
	close(fd);
	wait_for(&ended);
	assert_int_equal(process.status, 0);
	process_close(&process);
	assert_int_equal(lock_take(&other, path, LOCK_FLOCK, &holder), 0);
	lock_close(&other);
}

static void
fails_where_there_is_no_descriptor_left(void **state)
{
	struct process_plan plan = plan_of(SHELL("exit 0"));
	struct rlimit before, few;
	int fds[64], count_of_fds = 0;
	struct process process;

	(void)state;
	getrlimit(RLIMIT_NOFILE, &before);
	few = (struct rlimit){ 64, before.rlim_max };
	setrlimit(RLIMIT_NOFILE, &few);
	while ((fds[count_of_fds] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) >= 0)
		count_of_fds++;
	for (int left = 0; left < 7; left++) { /* three pipes and /dev/null */
		assert_int_equal(process_start(&process, &loop, &plan, count, NULL), EMFILE);
		process_close(&process);
		close(fds[--count_of_fds]);
	}
	run_plan(&process, &plan); /* without a pidfd */
	assert_int_equal(process.status, 0);
	process_close(&process);
	setrlimit(RLIMIT_NOFILE, &before);
	while (count_of_fds > 0)
		close(fds[--count_of_fds]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_how_it_ended),
		cmocka_unit_test(keeps_two_outputs_or_one),
		cmocka_unit_test(gives_it_an_input),
		cmocka_unit_test(gives_it_an_environment_and_a_folder),
		cmocka_unit_test(names_what_cannot_be_run),
		cmocka_unit_test(looks_a_program_up_in_its_path),
		cmocka_unit_test(closes_what_is_not_to_be_kept),
		cmocka_unit_test(works_where_standard_input_is_closed),
		cmocka_unit_test(gives_signals_their_standard_ways),
		cmocka_unit_test(keeps_beginning_and_end),
		cmocka_unit_test(drains_a_flood),
		cmocka_unit_test(ends_it_after_its_time),
		cmocka_unit_test(takes_its_group_with_it),
		cmocka_unit_test(does_not_wait_for_a_daemon),
		cmocka_unit_test(lets_a_lock_be_inherited),
		cmocka_unit_test(fails_where_there_is_no_descriptor_left),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
