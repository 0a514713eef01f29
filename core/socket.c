#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "interface.h"

static ssize_t
fail(struct socket *s)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return STREAM_AGAIN;
	if (s->error == 0)
		s->error = errno;
	return STREAM_FAILED;
}

static void
keep_head(struct socket *s, const unsigned char *bytes, size_t n)
{
	size_t room = sizeof s->head - s->head_length;

	if (n > room)
		n = room;
	memcpy(s->head + s->head_length, bytes, n);
	s->head_length += n;
}

static ssize_t
socket_read(struct stream *self, void *to, size_t n)
{
	struct socket *s = (struct socket *)self;
	ssize_t got;

	do {
		got = recv(s->fd, to, n, 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return fail(s);
	if (got == 0)
		s->eof = true;
	s->received += (uint64_t)got;
	keep_head(s, to, (size_t)got);
	return got;
}

static ssize_t
socket_write(struct stream *self, const void *from, size_t n)
{
	struct socket *s = (struct socket *)self;
	ssize_t put;

	do {
		put = send(s->fd, from, n, MSG_NOSIGNAL);
	} while (put < 0 && errno == EINTR);
	if (put < 0)
		return fail(s);
	s->sent += (uint64_t)put;
	return put;
}

static void
init(struct socket *s, int fd)
{
	*s = (struct socket){ .stream = { .read = socket_read, .write = socket_write }, .fd = fd };
}

static int
start(int fd, const struct sockaddr *address, socklen_t length, const char *interface)
{
	/* BearSSL gives its records one at a time: with Nagle's delay a handshake takes 45 ms more */
	const int on = 1;
	int error = 0;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
		return errno;
	if (interface != NULL)
		error = interface_bind(fd, address->sa_family, interface);
	if (error == 0 && connect(fd, address, length) < 0 && errno != EINPROGRESS && errno != EINTR)
		error = errno;
	return error;
}

int
socket_open(struct socket *s, const struct sockaddr *address, socklen_t length, const char *interface)
{
	int error;

	init(s, socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	if (s->fd < 0)
		return errno;
	error = start(s->fd, address, length, interface);
	if (error != 0)
		socket_close(s);
	return error;
}

int
socket_finish(struct socket *s)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof peer;
	int error = 0;
	socklen_t size = sizeof error;

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return errno;
	if (error != 0)
		return error;
	if (getpeername(s->fd, (struct sockaddr *)&peer, &length) < 0)
		return errno == ENOTCONN ? EINPROGRESS : errno;
	return 0;
}

void
socket_adopt(struct socket *s, int fd)
{
	const int on = 1;

	init(s, fd);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails on what isn't TCP: no harm */
}

void
socket_close(struct socket *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
}
