/* core/socket over loopback. */

#include <errno.h>
#include <fcntl.h>

#include "tls_client.h"

static int
connect_to(struct socket *s, unsigned short port, const char *interface)
{
	struct sockaddr_in address = loopback(port);
	int error = socket_open(s, (struct sockaddr *)&address, sizeof address, interface);

	if (error != 0)
		return error;
	wait_for(s->fd, POLLOUT);
	return socket_finish(s);
}

static void
says_hello_and_closes(int fd, void *argument)
{
	(void)argument;
	(void)send(fd, "hello", 5, 0);
	(void)close(fd);
}

static void
test_read(void **state)
{
	struct socket s;
	unsigned short port;
	pid_t peer = serve(says_hello_and_closes, NULL, &port);
	char got[16];

	(void)state;
	assert_int_equal(connect_to(&s, port, NULL), 0);
	wait_for(s.fd, POLLIN);
	assert_int_equal(s.stream.read(&s.stream, got, 2), 2);
	assert_int_equal(s.stream.read(&s.stream, got + 2, sizeof got - 2), 3);
	assert_memory_equal(got, "hello", 5);
	assert_memory_equal(s.head, "hello", 5);
	assert_int_equal(s.head_length, 5);
	assert_int_equal(s.received, 5);
	assert_false(s.eof);
	wait_for(s.fd, POLLIN);
	assert_int_equal(s.stream.read(&s.stream, got, sizeof got), 0);
	assert_true(s.eof);
	assert_int_equal(s.error, 0);
	socket_close(&s);
	socket_close(&s);
	assert_int_equal(s.fd, -1);
	assert_int_equal(s.received, 5);
	(void)waitpid(peer, NULL, 0);
}

static void
test_flags(void **state)
{
	struct socket s;
	unsigned short port;
	int listener = listen_anywhere(&port), on = 0;
	socklen_t size = sizeof on;
	char got;

	(void)state;
	assert_int_equal(connect_to(&s, port, NULL), 0);
	assert_int_equal(getsockopt(s.fd, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
	assert_true(on != 0);
	assert_true((fcntl(s.fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(s.fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(s.stream.read(&s.stream, &got, 1), STREAM_AGAIN);
	assert_int_equal(s.error, 0);
	socket_close(&s);
	(void)close(listener);
}

/* Writes until the peer's window is full: no waiting, and every byte is counted. */
static void
test_full(void **state)
{
	static char many[1 << 16];
	struct socket s;
	unsigned short port;
	int listener = listen_anywhere(&port);
	ssize_t put;
	uint64_t sum = 0;

	(void)state;
	assert_int_equal(connect_to(&s, port, NULL), 0);
	while ((put = s.stream.write(&s.stream, many, sizeof many)) > 0)
		sum += (uint64_t)put;
	assert_int_equal(put, STREAM_AGAIN);
	assert_int_equal(s.sent, sum);
	socket_close(&s);
	(void)close(listener);
}

static void
resets(int fd, void *argument)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	(void)argument;
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

static void
test_reset(void **state)
{
	struct socket s;
	struct sockaddr_in address;
	unsigned short port;
	pid_t peer = serve(resets, NULL, &port);
	char got;

	(void)state;
	address = loopback(port);
	assert_int_equal(socket_open(&s, (struct sockaddr *)&address, sizeof address, NULL), 0);
	(void)waitpid(peer, NULL, 0);
	wait_for(s.fd, POLLIN);
	assert_int_equal(s.stream.read(&s.stream, &got, 1), STREAM_FAILED);
	assert_int_equal(s.error, ECONNRESET);
	/* no SIGPIPE, and the first errno stays */
	assert_int_equal(s.stream.write(&s.stream, "x", 1), STREAM_FAILED);
	assert_int_equal(s.error, ECONNRESET);
	socket_close(&s);
}

static void
test_refused(void **state)
{
	struct socket s;
	unsigned short port;

	(void)state;
	(void)close(listen_anywhere(&port));
	assert_int_equal(connect_to(&s, port, NULL), ECONNREFUSED);
	socket_close(&s);
}

static void
test_family(void **state)
{
	const struct sockaddr nonsense = { .sa_family = 199 };
	struct socket s;

	(void)state;
	assert_int_not_equal(socket_open(&s, &nonsense, sizeof nonsense, NULL), 0);
	assert_int_equal(s.fd, -1);
}

static void
test_interface(void **state)
{
	struct sockaddr_in from = { .sin_family = AF_UNSPEC };
	socklen_t size = sizeof from;
	struct socket s;
	unsigned short port;
	int listener = listen_anywhere(&port);

	(void)state;
	assert_int_equal(connect_to(&s, port, "127.0.0.2"), 0);
	assert_int_equal(getsockname(s.fd, (struct sockaddr *)&from, &size), 0);
	assert_int_equal(ntohl(from.sin_addr.s_addr), INADDR_LOOPBACK + 1);
	socket_close(&s);
	assert_int_equal(connect_to(&s, port, "lo"), 0);
	socket_close(&s);
	assert_int_equal(connect_to(&s, port, "no-such-device"), ENODEV);
	assert_int_equal(s.fd, -1);
	assert_int_equal(connect_to(&s, port, "192.0.2.1"), EADDRNOTAVAIL); /* RFC 5737: nobody's */
	assert_int_equal(s.fd, -1);
	(void)close(listener);
}

static void
test_adopt(void **state)
{
	struct socket s;
	int pair[2];
	char got[4];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	socket_adopt(&s, pair[0]);
	assert_int_equal(s.stream.read(&s.stream, got, 1), STREAM_AGAIN);
	assert_int_equal(s.stream.write(&s.stream, "abc", 3), 3);
	assert_int_equal(read(pair[1], got, sizeof got), 3);
	assert_int_equal(s.sent, 3);
	socket_close(&s);
	assert_int_equal(fcntl(pair[0], F_GETFD), -1);
	(void)close(pair[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),      cmocka_unit_test(test_flags),   cmocka_unit_test(test_full),
		cmocka_unit_test(test_reset),     cmocka_unit_test(test_refused), cmocka_unit_test(test_family),
		cmocka_unit_test(test_interface), cmocka_unit_test(test_adopt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
