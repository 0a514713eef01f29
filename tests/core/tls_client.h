#ifndef KEDGE_TESTS_TLS_CLIENT_H
#define KEDGE_TESTS_TLS_CLIENT_H

/* What the tests of sockets and TLS share: a listener on a free port, peers in
 * a child process, and a client that drives core/tls by poll(2). */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/socket.h"
#include "core/tls.h"

enum { PATIENCE_MS = 20000 }; /* a test that waits longer has failed: every case ends by a count or an event */

struct client {
	struct socket socket;
	struct tls *tls;
};

static inline struct sockaddr_in
loopback(unsigned short port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static inline int
listen_anywhere(unsigned short *port)
{
	struct sockaddr_in address = loopback(0);
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

/* Runs a peer's script on one connection, in a child. */
static inline pid_t
serve(void (*script)(int fd, void *argument), void *argument, unsigned short *port)
{
	const int on = 1;
	int listener = listen_anywhere(port), fd;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		alarm(PATIENCE_MS / 1000); /* no peer outlives a client that failed */
		fd = accept(listener, NULL, NULL);
		/* what was said before a reset must have left */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		script(fd, argument);
		_exit(0);
	}
	(void)close(listener);
	return child;
}

static inline void
wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
}

static inline void
dial(struct client *c, unsigned short port, const struct tls_config *config)
{
	struct sockaddr_in address = loopback(port);
	enum tls_fault why;

	c->tls = tls_new(config, &why);
	assert_non_null(c->tls);
	assert_int_equal(socket_open(&c->socket, (struct sockaddr *)&address, sizeof address, NULL), 0);
	wait_for(c->socket.fd, POLLOUT);
	assert_int_equal(socket_finish(&c->socket), 0);
}

static inline enum tls_step
drive(struct client *c, enum tls_goal goal)
{
	for (;;) {
		enum tls_step step = tls_pump(c->tls, &c->socket.stream, goal);

		if (step == TLS_REACHED || step == TLS_FAILED)
			return step;
		wait_for(c->socket.fd, step == TLS_WANT_READ ? POLLIN : POLLOUT);
	}
}

static inline void
hang_up(struct client *c)
{
	socket_close(&c->socket);
	tls_free(c->tls);
	c->tls = NULL;
}

/* Reads application data until the end, or until `most` bytes are there: their number, or STREAM_FAILED. */
static inline ssize_t
read_all(struct client *c, unsigned char *to, size_t most)
{
	struct stream *s = tls_stream(c->tls);
	size_t have = 0;

	while (have < most) {
		ssize_t got = s->read(s, to + have, most - have);

		if (got == STREAM_FAILED)
			return got;
		if (got == 0)
			break;
		if (got > 0)
			have += (size_t)got;
		else
			wait_for(c->socket.fd, POLLIN);
	}
	return (ssize_t)have;
}

static inline void
write_all(struct client *c, const void *bytes, size_t n)
{
	struct stream *s = tls_stream(c->tls);
	const unsigned char *from = bytes;

	while (n > 0) {
		ssize_t put = s->write(s, from, n);

		assert_int_not_equal(put, STREAM_FAILED);
		if (put > 0) {
			from += put;
			n -= (size_t)put;
		} else {
			wait_for(c->socket.fd, POLLOUT);
		}
	}
	assert_int_equal(drive(c, TLS_OPEN), TLS_REACHED);
}

static const struct tls_config modern = { .name = "kedge.test", .version_min = 0x0303, .version_max = 0x0303 };

#endif
