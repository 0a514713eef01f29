#include "conn.h"

#include <errno.h>
#include <string.h>

static void
watch(struct conn *conn, int events)
{
	if (conn->io.fd == conn->socket.fd && ev_is_active(&conn->io) && (conn->io.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(conn->ev, &conn->io);
	if (events == 0 || conn->socket.fd < 0)
		return;
	ev_io_set(&conn->io, conn->socket.fd, events);
	ev_io_start(conn->ev, &conn->io);
}

/* Adds to what is watched: a reader and a writer may wait at once. */
static void
watch_more(struct conn *conn, int event)
{
	int now = ev_is_active(&conn->io) ? conn->io.events & (EV_READ | EV_WRITE) : 0;

	watch(conn, now | event);
}

static void
finish_connect(struct conn *conn)
{
	int error = socket_finish(&conn->socket);

	if (error == EINPROGRESS)
		return;
	watch(conn, 0);
	conn->error = error;
	conn->phase = error ? CONN_FAILED : CONN_PLAIN;
}

/* One pump towards the goal of the phase; the outcomes are enum tls_step. */
static void
pump(struct conn *conn)
{
	bool first = conn->phase == CONN_HANDSHAKE;

	switch (tls_pump(conn->tls, &conn->socket.stream, first ? TLS_CHAIN : TLS_OPEN)) {
	case TLS_WANT_READ: watch(conn, EV_READ); return;
	case TLS_WANT_WRITE: watch(conn, EV_READ | EV_WRITE); return;
	case TLS_REACHED: conn->phase = first ? CONN_HELD : CONN_OPEN; break;
	case TLS_FAILED: conn->phase = CONN_FAILED; break;
	}
	watch(conn, 0);
}

/* HTTP/2: writes what is queued. True when all of it is out. */
static bool
send_h2(struct conn *conn)
{
	struct stream *tls = tls_stream(conn->tls);

	while (!conn->mute) {
		ssize_t sent;

		if (conn->out_length == 0)
			conn->out_length = h2_take(conn->h2, &conn->out);
		if (conn->out_length == 0)
			break;
		sent = tls->write(tls, conn->out, conn->out_length);
		if (sent == STREAM_AGAIN)
			return false;
		if (sent < 0) {
			conn->mute = true;
			return true;
		}
		conn->out += sent;
		conn->out_length -= (size_t)sent;
	}
	switch (tls_pump(conn->tls, &conn->socket.stream, TLS_OPEN)) {
	case TLS_WANT_WRITE: return false;
	case TLS_FAILED: conn->broken = true; return true;
	default: return true;
	}
}

/* HTTP/2: reads once. False when there is nothing (more) to read now. */
static bool
receive_h2(struct conn *conn, size_t *budget)
{
	struct stream *tls = tls_stream(conn->tls);
	unsigned char bytes[8192];
	ssize_t n = tls->read(tls, bytes, sizeof bytes);

	if (n == STREAM_AGAIN)
		return false;
	if (n == 0)
		conn->ended = true;
	else if (n < 0)
		conn->broken = true;
	else if (h2_feed(conn->h2, bytes, (size_t)n) == 0 && (size_t)n < *budget)
		*budget -= (size_t)n;
	else
		*budget = 0;
	return n > 0 && h2_fault(conn->h2) == H2_OK;
}

static bool
h2_over(const struct conn *conn)
{
	return conn->ended || conn->broken || h2_fault(conn->h2) != H2_OK;
}

/* HTTP/2: while too many answers of ours wait unsent nothing is read, or a peer
 * could make us queue them without end. */
static void
turn_h2(struct conn *conn)
{
	size_t budget = CONN_TURN_BYTES;
	bool drained = false;

	while (!h2_over(conn)) {
		bool sent = send_h2(conn);

		if (!sent && h2_blocked(conn->h2)) {
			watch(conn, EV_WRITE);
			return;
		}
		if (!sent && drained) {
			watch(conn, tls_stalled(conn->tls) ? EV_WRITE : EV_READ | EV_WRITE);
			return;
		}
		if (drained || h2_over(conn))
			break;
		if (budget == 0) { /* the others first; TLS may hold bytes that no descriptor announces */
			watch(conn, EV_READ);
			ev_feed_event(conn->ev, &conn->io, EV_READ);
			return;
		}
		drained = !receive_h2(conn, &budget);
	}
	if (h2_over(conn))
		send_h2(conn); /* a last GOAWAY, if it can be sent */
	watch(conn, h2_over(conn) ? 0 : EV_READ);
}

static void
on_io(struct ev_loop *ev, ev_io *watcher, int events)
{
	struct conn *conn = watcher->data;
	bool blocked;

	(void)ev;
	switch (conn->phase) {
	case CONN_CONNECTING: finish_connect(conn); break;
	case CONN_HANDSHAKE:
	case CONN_FINISHING: pump(conn); break;
	case CONN_OPEN:
		if (conn->h2) {
			turn_h2(conn);
			break;
		}
		blocked = tls_pending(conn->tls) &&
		    tls_pump(conn->tls, &conn->socket.stream, TLS_OPEN) == TLS_WANT_WRITE;
		watch(conn, blocked ? EV_WRITE : 0);
		if (blocked && !(events & EV_READ))
			return; /* a peer that sends and doesn't read is still read by who waits for it */
		break;
	default: watch(conn, 0); break;
	}
	conn->changed(conn, conn->context);
}

void
conn_init(struct conn *conn, struct ev_loop *ev, conn_changed *changed, void *context)
{
	memset(conn, 0, sizeof *conn);
	conn->ev = ev;
	conn->changed = changed;
	conn->context = context;
	conn->socket.fd = -1;
	ev_init(&conn->io, on_io);
	conn->io.data = conn;
	conn->io.fd = -1;
}

int
conn_connect(struct conn *conn, const struct sockaddr *address, socklen_t length, const char *interface)
{
	int error = socket_open(&conn->socket, address, length, interface);

	if (error) {
		conn->error = error;
		conn->phase = CONN_FAILED;
		return error;
	}
	conn->phase = CONN_CONNECTING;
	watch(conn, EV_WRITE);
	return 0;
}

enum tls_fault
conn_handshake(struct conn *conn, const struct tls_config *config)
{
	enum tls_fault why = TLS_OK;

	conn->tls = tls_new(config, &why);
	if (!conn->tls)
		return why;
	conn->phase = CONN_HANDSHAKE;
	pump(conn);
	return TLS_OK;
}

void
conn_go_on(struct conn *conn)
{
	if (conn->phase != CONN_HELD)
		return;
	conn->phase = CONN_FINISHING;
	pump(conn);
}

static struct stream *
top(struct conn *conn)
{
	if (conn->phase == CONN_OPEN)
		return tls_stream(conn->tls);
	return conn->phase == CONN_PLAIN ? &conn->socket.stream : NULL;
}

ssize_t
conn_read(struct conn *conn, void *to, size_t n)
{
	struct stream *stream = top(conn);
	ssize_t got = stream ? stream->read(stream, to, n) : STREAM_FAILED;

	if (got == STREAM_AGAIN && conn->phase == CONN_OPEN && tls_stalled(conn->tls))
		watch(conn, EV_WRITE);
	else if (got == STREAM_AGAIN)
		watch_more(conn, EV_READ);
	return got;
}

ssize_t
conn_write(struct conn *conn, const void *from, size_t n)
{
	struct stream *stream = top(conn);
	ssize_t put = stream ? stream->write(stream, from, n) : STREAM_FAILED;
	bool blocked = put == STREAM_AGAIN ||
	    (put > 0 && conn->phase == CONN_OPEN &&
	        tls_pump(conn->tls, &conn->socket.stream, TLS_OPEN) == TLS_WANT_WRITE);

	if (blocked)
		watch_more(conn, EV_WRITE);
	return put;
}

bool
conn_start_h2(struct conn *conn, const struct h2_setting *settings, size_t n)
{
	conn->h2 = h2_new(settings, n);
	return conn->h2 != NULL;
}

void
conn_flush(struct conn *conn)
{
	if (conn->h2 && conn->phase == CONN_OPEN)
		turn_h2(conn);
}

/* A last word, if the socket takes it at once. */
static void
say_goodbye(struct conn *conn)
{
	if (conn->phase != CONN_OPEN)
		return;
	if (conn->h2 && !h2_over(conn)) {
		h2_shut(conn->h2);
		send_h2(conn);
	}
	tls_pump(conn->tls, &conn->socket.stream, TLS_SHUT);
}

void
conn_close(struct conn *conn)
{
	if (conn->socket.fd >= 0) {
		say_goodbye(conn);
		ev_io_stop(conn->ev, &conn->io);
		socket_close(&conn->socket);
	}
	conn->phase = CONN_CLOSED;
	h2_free(conn->h2);
	tls_free(conn->tls);
	conn->h2 = NULL;
	conn->tls = NULL;
	conn->out_length = 0;
}
