/* core/entropy, and that TLS doesn't start without it. The kernel's answers are
 * made up by a seccomp filter in a child. */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "core/entropy.h"
#include "tls_client.h"

static void
test_fill(void **state)
{
	unsigned char a[ENTROPY_MOST] = { 0 }, b[ENTROPY_MOST] = { 0 };

	(void)state;
	assert_int_equal(entropy_fill(a, sizeof a), 0);
	assert_int_equal(entropy_fill(b, sizeof b), 0);
	assert_memory_not_equal(a, b, sizeof a);
	assert_memory_not_equal(a, a + 128, 128);
}

static void
test_bounds(void **state)
{
	unsigned char a[ENTROPY_MOST + 1];

	(void)state;
	a[32] = 0xa5;
	assert_int_equal(entropy_fill(a, 32), 0);
	assert_int_equal(a[32], 0xa5);
	assert_int_equal(entropy_fill(a, 0), 0);
	assert_int_equal(entropy_fill(a, sizeof a), EINVAL);
}

/* Makes getrandom(2) fail with `error` for the rest of this process' life. */
static bool
refuse_randomness(unsigned error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error & SECCOMP_RET_DATA)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof filter / sizeof *filter, filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

enum { CHILD_AGREES, CHILD_DIFFERS, CHILD_SKIPS };

static int
try_without(int error)
{
	unsigned char a[32], zero[32] = { 0 };
	enum tls_fault why = TLS_OK;
	struct tls *t;

	memset(a, 0, sizeof a);
	if (!refuse_randomness((unsigned)error))
		return CHILD_SKIPS;
	if (entropy_fill(a, sizeof a) != error || memcmp(a, zero, sizeof a) != 0)
		return CHILD_DIFFERS;
	t = tls_new(&modern, &why);
	if (t != NULL || why != TLS_NO_ENTROPY || errno != error)
		return CHILD_DIFFERS;
	return strcmp(tls_fault_code(why), "local.entropy") == 0 ? CHILD_AGREES : CHILD_DIFFERS;
}

static void
test_no_fallback(void **state)
{
	static const int errors[] = { EAGAIN, ENOSYS, EPERM };
	int status;

	(void)state;
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(try_without(errors[i]));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == CHILD_SKIPS)
			skip();
		assert_int_equal(WEXITSTATUS(status), CHILD_AGREES);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_no_fallback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
