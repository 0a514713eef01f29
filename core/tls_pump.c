#include <errno.h>
#include <string.h>

#include "tls_inside.h"

/* Everything that moves bytes: between the stream below and the engine, and
 * between the engine and who uses the connection. */

enum { READS_PER_CALL = 64 }; /* then the loop gets its turn: a flooding peer must not keep it */

enum { RECORD_FIRST = 0x14, RECORD_LAST = 0x17 }; /* types of records: RFC 5246 section 6.2.1 */

/* what became of an attempt to take bytes in */
enum intake {
	TOOK,    /* the engine got some */
	REFUSED, /* it wants none now: application data waits to be read */
	WAITS,   /* the stream below has none */
	ENDED,   /* nor will it have any, or the fault is set */
};

static br_ssl_engine_context *
engine_of(struct tls *t)
{
	return &t->client.eng;
}

/* Until the verdict nothing that the engine offers behind its hello is sent. */
static bool
held(const struct tls *t)
{
	return t->chain.complete && !t->released;
}

/* Moves what the engine has ready into the stage, as far as that has room. */
static void
gather(struct tls *t)
{
	unsigned char *from;
	size_t n;

	if (held(t))
		return;
	while ((from = br_ssl_engine_sendrec_buf(engine_of(t), &n)) != NULL) {
		if (t->write_error == 0) {
			if (n > sizeof t->out - t->out_end)
				n = sizeof t->out - t->out_end;
			if (n == 0)
				return;
			memcpy(t->out + t->out_end, from, n);
			t->out_end += n;
		}
		br_ssl_engine_sendrec_ack(engine_of(t), n);
	}
}

/* A failed write isn't the end: the peer's last words may still be readable,
 * so from then on output is dropped as if it had been sent. */
static void
drop_output(struct tls *t)
{
	t->write_error = errno;
	t->info.error = errno;
	t->out_start = t->out_end = 0;
}

static bool
write_stage(struct tls *t)
{
	ssize_t put;

	while (t->out_start < t->out_end) {
		put = t->below->write(t->below, t->out + t->out_start, t->out_end - t->out_start);
		if (put == STREAM_AGAIN)
			return false;
		if (put < 0) {
			drop_output(t);
			return true;
		}
		t->out_start += (size_t)put;
		t->info.sent += (uint64_t)put;
	}
	t->out_start = t->out_end = 0;
	return true;
}

/* Sends all that is ready, in as few writes as the stage allows; false when the stream below is full. */
static bool
flush(struct tls *t)
{
	size_t n;

	do {
		gather(t);
		if (!write_stage(t))
			return false;
	} while (!held(t) && br_ssl_engine_sendrec_buf(engine_of(t), &n) != NULL);
	return true;
}

static void
keep_said(struct tls *t, const unsigned char *bytes, size_t n)
{
	size_t room = sizeof t->said - t->info.said_length;

	if (n > room)
		n = room;
	memcpy(t->said + t->info.said_length, bytes, n);
	t->info.said_length += n;
}

/* Sees all bytes before the engine does. */
static void
watch(struct tls *t, const unsigned char *bytes, size_t n)
{
	t->info.received += n;
	t->barren += n;
	keep_said(t, bytes, n);
	if (t->said[0] < RECORD_FIRST || t->said[0] > RECORD_LAST)
		tls_fail(t, TLS_NOT_TLS);
	else if (t->barren > TLS_RECEIVED_MAX)
		tls_fail(t, TLS_FLOOD);
	tls_hello_feed(&t->hello, bytes, n);
}

static enum intake
fill_stage(struct tls *t)
{
	ssize_t got = t->below->read(t->below, t->in, sizeof t->in);

	if (got == STREAM_AGAIN)
		return WAITS;
	if (got > 0) {
		t->in_start = 0;
		t->in_end = (size_t)got;
		watch(t, t->in, t->in_end);
		return t->info.fault == TLS_OK ? TOOK : ENDED;
	}
	t->ended = true;
	if (got < 0 && t->info.error == 0)
		t->info.error = errno;
	if (got < 0 || !t->opened)
		tls_fail(t, tls_broken_fault(t, got < 0 ? errno : 0));
	return ENDED;
}

static enum intake
take_in(struct tls *t, int *reads)
{
	enum intake filled;
	size_t n;
	unsigned char *to = br_ssl_engine_recvrec_buf(engine_of(t), &n);

	if (to == NULL)
		return REFUSED;
	if (t->in_start == t->in_end) {
		if (t->ended)
			return ENDED;
		if ((*reads)-- == 0)
			return WAITS;
		filled = fill_stage(t);
		if (filled != TOOK)
			return filled;
	}
	if (n > t->in_end - t->in_start)
		n = t->in_end - t->in_start;
	memcpy(to, t->in + t->in_start, n);
	t->in_start += n;
	br_ssl_engine_recvrec_ack(engine_of(t), n);
	return TOOK;
}

bool
tls_goodbye(const struct tls *t)
{
	return t->client.eng.shutdown_recv != 0; /* its close_received is never set */
}

/* Finds out whether the engine, or a bound of ours, has ended the connection. */
static void
check_engine(struct tls *t)
{
	bool closed = br_ssl_engine_current_state(engine_of(t)) == BR_SSL_CLOSED;

	if (t->chain.fault != TLS_CHAIN_OK)
		tls_fail(t, tls_engine_fault(t));
	else if (closed && !(t->opened && br_ssl_engine_last_error(engine_of(t)) == BR_ERR_OK))
		tls_fail(t, tls_engine_fault(t));
	else if (tls_goodbye(t) && !t->opened)
		tls_fail(t, tls_engine_fault(t));
}

static bool
chain_reached(const struct tls *t)
{
	size_t n;

	return t->opened || (t->chain.complete && br_ssl_engine_sendrec_buf(&t->client.eng, &n) != NULL);
}

static bool
open_reached(struct tls *t)
{
	/* BearSSL gives error 0 for a close_notify in the handshake: only this says that it succeeded */
	if ((br_ssl_engine_current_state(engine_of(t)) & BR_SSL_SENDAPP) != 0)
		t->opened = true;
	return t->opened;
}

/* Takes one step; TLS_REACHED here only means: go on. */
static enum tls_step
advance(struct tls *t, int *reads)
{
	bool clear = flush(t);

	switch (take_in(t, reads)) {
	case TOOK: return TLS_REACHED;
	case WAITS: return clear ? TLS_WANT_READ : TLS_WANT_WRITE;
	case REFUSED:
		if (!clear)
			return TLS_WANT_WRITE;
		tls_fail(t, TLS_BAD_MESSAGE); /* neither input nor output: never seen */
		return TLS_FAILED;
	default: return TLS_FAILED;
	}
}

static bool
goal_reached(struct tls *t, enum tls_goal goal)
{
	bool reached = goal == TLS_CHAIN ? chain_reached(t) : open_reached(t);

	if (chain_reached(t) && tls_alpn_mismatch(t))
		tls_fail(t, TLS_ALPN_MISMATCH);
	return reached && t->info.fault == TLS_OK;
}

static enum tls_step
strive(struct tls *t, enum tls_goal goal)
{
	int reads = READS_PER_CALL;
	enum tls_step step = TLS_REACHED;

	while (step == TLS_REACHED) {
		check_engine(t);
		if (goal_reached(t, goal))
			return goal == TLS_CHAIN || flush(t) ? TLS_REACHED : TLS_WANT_WRITE;
		if (t->info.fault != TLS_OK)
			return TLS_FAILED;
		step = advance(t, &reads);
	}
	return step;
}

static enum tls_step
shut(struct tls *t)
{
	if (t->opened && t->info.fault == TLS_OK) {
		br_ssl_engine_flush(engine_of(t), 0);
		(void)flush(t);
		br_ssl_engine_close(engine_of(t));
		(void)flush(t);
	}
	return TLS_REACHED;
}

enum tls_step
tls_pump(struct tls *t, struct stream *below, enum tls_goal goal)
{
	t->below = below;
	if (goal == TLS_SHUT)
		return shut(t);
	if (goal == TLS_OPEN)
		t->released = true;
	return strive(t, goal);
}

static size_t
take_application_data(struct tls *t, void *to, size_t n)
{
	size_t ready;
	unsigned char *from = br_ssl_engine_recvapp_buf(engine_of(t), &ready);

	if (from == NULL)
		return 0;
	if (n > ready)
		n = ready;
	memcpy(to, from, n);
	br_ssl_engine_recvapp_ack(engine_of(t), n);
	t->used = true;
	t->barren = 0;
	return n;
}

/* What a reader is told at the end of the data. */
static ssize_t
end(struct tls *t)
{
	if (tls_wanted_certificate(t))
		tls_fail(t, TLS_CLIENT_CERT_REQUIRED);
	return t->info.fault == TLS_OK ? 0 : STREAM_FAILED;
}

static ssize_t
stream_read(struct stream *self, void *to, size_t n)
{
	struct tls *t = (struct tls *)self;
	int reads = READS_PER_CALL;
	size_t got;

	while (t->info.fault == TLS_OK) {
		got = take_application_data(t, to, n);
		if (got > 0)
			return (ssize_t)got;
		(void)flush(t);
		if (tls_goodbye(t))
			return end(t);
		switch (take_in(t, &reads)) {
		case TOOK: check_engine(t); break;
		case ENDED: return end(t);
		default: return STREAM_AGAIN;
		}
	}
	return STREAM_FAILED;
}

/* Puts as much as one record holds; 0 when the engine's buffer isn't free. */
static size_t
put_record(struct tls *t, const unsigned char *from, size_t n)
{
	size_t room;
	unsigned char *to = br_ssl_engine_sendapp_buf(engine_of(t), &room);

	if (to == NULL)
		return 0;
	if (n > room)
		n = room;
	memcpy(to, from, n);
	br_ssl_engine_sendapp_ack(engine_of(t), n);
	br_ssl_engine_flush(engine_of(t), 0);
	return n;
}

static bool
writable(struct tls *t)
{
	size_t room;

	return br_ssl_engine_sendapp_buf(engine_of(t), &room) != NULL;
}

static ssize_t
stream_write(struct stream *self, const void *from, size_t n)
{
	struct tls *t = (struct tls *)self;
	const unsigned char *bytes = from;
	size_t put = 0, one;

	if (t->info.fault != TLS_OK || t->write_error != 0 || tls_goodbye(t)) {
		errno = t->write_error != 0 ? t->write_error : EPIPE;
		return STREAM_FAILED;
	}
	while (put < n) {
		one = put_record(t, bytes + put, n - put);
		put += one;
		gather(t);
		if (one == 0 && !(flush(t) && writable(t)))
			break;
	}
	(void)flush(t);
	return put > 0 ? (ssize_t)put : STREAM_AGAIN;
}

void
tls_stream_init(struct stream *s)
{
	*s = (struct stream){ .read = stream_read, .write = stream_write };
}
