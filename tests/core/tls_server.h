#ifndef KEDGE_TESTS_TLS_SERVER_H
#define KEDGE_TESTS_TLS_SERVER_H

/* Real TLS servers as children: their input, what they print, and their port. */

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "tls_client.h"

enum { ARGUMENTS_MAX = 48, LOG_MAX = 1 << 16 };

struct server {
	pid_t pid;
	int in, out;
	unsigned short port;
	char log[LOG_MAX]; /* what it has printed so far */
	size_t logged;
};

static char folder[] = "/tmp/kedge-tls-XXXXXX"; /* keys and certificates of the run */

/* Runs a command in the folder; what it says is shown only if it fails. */
static inline int
run(const char *command)
{
	char line[1024];

	(void)snprintf(line, sizeof line, "cd %s && { %s; } >log 2>&1 || { cat log; exit 1; }", folder, command);
	return system(line);
}

static inline int
make_keys(void **state)
{
	static const char *const kinds[] = {
		"rsa:genrsa 2048",
		"p256:ecparam -genkey -noout -name P-256",
		"p384:ecparam -genkey -noout -name P-384",
		"p521:ecparam -genkey -noout -name P-521",
		"ed25519:genpkey -algorithm ed25519",
		"rsa8192:genrsa -primes 5 8192", /* five primes: made in 2 s instead of 20 */
	};
	char line[512];

	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		int name = (int)strcspn(kinds[i], ":");

		(void)snprintf(
			line, sizeof line,
			"openssl %s >%.*s.key && openssl req -x509 -key %.*s.key -subj /CN=kedge.test -out %.*s.pem",
			kinds[i] + name + 1, name, kinds[i], name, kinds[i], name, kinds[i]);
		if (run(line) != 0)
			return -1;
	}
	return 0;
}

static inline int
remove_keys(void **state)
{
	char line[64];

	(void)state;
	(void)snprintf(line, sizeof line, "rm -r %s", folder);
	return system(line);
}

/* Reads what the server prints until it has printed `text`; false at its end. */
static inline bool
prints(struct server *s, const char *text)
{
	while (strstr(s->log, text) == NULL) {
		ssize_t n;

		wait_for(s->out, POLLIN);
		n = read(s->out, s->log + s->logged, sizeof s->log - 1 - s->logged);
		if (n <= 0)
			return false;
		s->logged += (size_t)n;
		s->log[s->logged] = '\0';
	}
	return true;
}

static inline void
forget(struct server *s)
{
	s->logged = 0;
	s->log[0] = '\0';
}

/* Starts a command, its words separated by spaces, in the folder. */
static inline void
start(struct server *s, const char *command)
{
	char text[1024], *words[ARGUMENTS_MAX + 1] = { NULL };
	size_t n = 0;
	int in[2], out[2];

	*s = (struct server){ .pid = -1 };
	(void)snprintf(text, sizeof text, "%s", command);
	for (char *word = strtok(text, " "); word != NULL && n < ARGUMENTS_MAX; word = strtok(NULL, " "))
		words[n++] = word;
	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	s->pid = fork();
	if (s->pid == 0) {
		alarm(3 * PATIENCE_MS / 1000); /* outlives no test that failed */
		if (chdir(folder) != 0 || dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0 || dup2(out[1], 2) < 0)
			_exit(126);
		execvp(words[0], words);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	s->in = in[1];
	s->out = out[0];
}

static inline void
start_openssl(struct server *s, const char *key, const char *options)
{
	char command[1024];

	(void)snprintf(command, sizeof command, "openssl s_server -accept 127.0.0.1:0 -key %s.key -cert %s.pem %s", key,
		       key, options);
	start(s, command);
	assert_true(prints(s, "\nACCEPT 127.0.0.1:") || prints(s, "ACCEPT 127.0.0.1:"));
	s->port = (unsigned short)atoi(strstr(s->log, "ACCEPT 127.0.0.1:") + strlen("ACCEPT 127.0.0.1:"));
	forget(s);
}

static inline void
stop(struct server *s)
{
	(void)close(s->in);
	(void)close(s->out);
	(void)kill(s->pid, SIGKILL);
	(void)waitpid(s->pid, NULL, 0);
}

/* Goes into a network of its own that has a loopback device only, for servers
 * that listen on all addresses. False where that isn't allowed. */
static inline bool
isolate(void)
{
	struct ifreq lo = { .ifr_name = "lo" };
	int fd;
	bool up;

	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &lo) == 0;
	lo.ifr_flags |= IFF_UP;
	up = up && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	(void)close(fd);
	return up;
}

#endif
