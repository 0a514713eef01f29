#include "resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The share of its time that a look-up's queries may take, so that a silent
 * server is reported as such before the deadline of the check strikes. */
#define TIME_SHARE 0.9
#define TRIES 2

static const struct {
	const char *code, *text;
} statuses[] = {
	[RESOLVER_PENDING] = { "dns.pending", "no answer yet" },
	[RESOLVER_OK] = { "ok", "answered" },
	[RESOLVER_NXDOMAIN] = { "dns.nxdomain", "the name does not exist" },
	[RESOLVER_NODATA] = { "dns.nodata", "the name exists, but has no address" },
	[RESOLVER_TIMEOUT] = { "dns.timeout", "no DNS server answered in time" },
	[RESOLVER_SERVFAIL] = { "dns.servfail", "the DNS server failed (SERVFAIL)" },
	[RESOLVER_REFUSED] = { "dns.refused", "the DNS server refused to answer (REFUSED)" },
	[RESOLVER_NO_SERVER] = { "dns.no_server", "no DNS server could be reached" },
	[RESOLVER_BAD_ANSWER] = { "dns.bad_answer", "the DNS server's answer could not be read" },
	[RESOLVER_MEMORY] = { "local.limit", "not enough memory or descriptors to ask a DNS server" },
};

const char *
resolver_code(enum resolver_status status)
{
	return statuses[status].code;
}

const char *
resolver_text(enum resolver_status status)
{
	return statuses[status].text;
}

static enum resolver_status
status_of(int ares_status)
{
	switch (ares_status) {
	case ARES_SUCCESS: return RESOLVER_OK;
	case ARES_ENOTFOUND:
	case ARES_EBADNAME: return RESOLVER_NXDOMAIN;
	case ARES_ENODATA: return RESOLVER_NODATA;
	case ARES_ETIMEOUT: return RESOLVER_TIMEOUT;
	case ARES_ESERVFAIL: return RESOLVER_SERVFAIL;
	case ARES_EREFUSED: return RESOLVER_REFUSED;
	case ARES_ECONNREFUSED: return RESOLVER_NO_SERVER;
	case ARES_ENOMEM: return RESOLVER_MEMORY;
	default: return RESOLVER_BAD_ANSWER;
	}
}

/* c-ares' descriptors and time-outs on the loop. */

static void
arm_timer(struct resolver *resolver)
{
	struct timeval room, *next;

	ev_timer_stop(resolver->ev, &resolver->timer);
	if (!resolver->open)
		return;
	next = ares_timeout(resolver->channel, NULL, &room);
	if (!next)
		return;
	ev_timer_set(&resolver->timer, (double)next->tv_sec + (double)next->tv_usec / 1e6, 0.);
	ev_timer_start(resolver->ev, &resolver->timer);
}

static void next_server(struct resolver *resolver);

static void
process(struct resolver *resolver, ares_socket_t reading, ares_socket_t writing)
{
	ares_process_fd(resolver->channel, reading, writing);
	next_server(resolver);
}

static void
on_timer(struct ev_loop *ev, ev_timer *watcher, int events)
{
	(void)ev;
	(void)events;
	process(watcher->data, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void
on_io(struct ev_loop *ev, ev_io *watcher, int events)
{
	struct resolver_io *io = watcher->data;

	(void)ev;
	process(io->resolver, events & EV_READ ? watcher->fd : ARES_SOCKET_BAD,
	    events & EV_WRITE ? watcher->fd : ARES_SOCKET_BAD);
}

static void
on_socket_state(void *context, ares_socket_t fd, int readable, int writable)
{
	struct resolver *resolver = context;
	struct resolver_io *slot = NULL;

	for (size_t i = 0; i < RESOLVER_MAX_DESCRIPTORS; i++) {
		struct resolver_io *io = &resolver->descriptors[i];

		if (io->used && io->io.fd == fd) {
			slot = io;
			break;
		}
		if (!io->used && !slot)
			slot = io;
	}
	if (!slot)
		return; /* more servers than we ask: this one runs into its time-out */
	if (slot->used)
		ev_io_stop(resolver->ev, &slot->io);
	slot->used = readable || writable;
	if (!slot->used)
		return;
	slot->resolver = resolver;
	ev_io_init(&slot->io, on_io, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	slot->io.data = slot;
	ev_io_start(resolver->ev, &slot->io);
}

/* Answers. */

static void
keep_addresses(struct resolver *resolver, const struct ares_addrinfo *info)
{
	const struct ares_addrinfo_node *node;

	for (node = info->nodes; node && resolver->address_count < RESOLVER_MAX_ADDRESSES; node = node->ai_next) {
		struct resolver_address *address = &resolver->addresses[resolver->address_count];

		if (node->ai_family != resolver->family || node->ai_addrlen > sizeof address->socket)
			continue;
		memcpy(&address->socket, node->ai_addr, (size_t)node->ai_addrlen);
		resolver->address_count++;
	}
}

/* RFC 6761 §6.3: these names are this machine, whatever name servers say. */
static bool
is_localhost(const char *name)
{
	static const char word[] = "localhost";
	size_t length = strlen(name), own = sizeof word - 1;

	return length >= own && strcasecmp(name + length - own, word) == 0 && (length == own || name[length - own - 1] == '.');
}

static void
keep_loopback(struct resolver *resolver)
{
	struct resolver_address *address = &resolver->addresses[0];

	memset(address, 0, sizeof *address);
	address->socket.any.sa_family = (sa_family_t)resolver->family;
	if (resolver->family == AF_INET)
		address->socket.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		address->socket.v6.sin6_addr = in6addr_loopback;
	resolver->address_count = 1;
	resolver->status = RESOLVER_OK;
}

static void
on_answer(void *context, int ares_status, int timeouts, struct ares_addrinfo *info)
{
	struct resolver *resolver = context;

	(void)timeouts;
	if (ares_status == ARES_EDESTRUCTION || ares_status == ARES_ECANCELLED)
		return;
	resolver->status = status_of(ares_status);
	if (resolver->sockets.exhausted && (ares_status == ARES_ECONNREFUSED || ares_status == ARES_ETIMEOUT))
		resolver->status = RESOLVER_MEMORY; /* c-ares took it for a server that can't be reached */
	if (info) {
		keep_addresses(resolver, info);
		ares_freeaddrinfo(info);
	}
	if (resolver->address_count == 0 && is_localhost(resolver->name))
		keep_loopback(resolver);
	if (resolver->status == RESOLVER_OK && resolver->address_count == 0)
		resolver->status = RESOLVER_NODATA;
}

static void
close_channel(struct resolver *resolver)
{
	if (!resolver->open)
		return;
	resolver->open = false;
	ares_destroy(resolver->channel);
	ev_timer_stop(resolver->ev, &resolver->timer);
	for (size_t i = 0; i < RESOLVER_MAX_DESCRIPTORS; i++) {
		if (resolver->descriptors[i].used)
			ev_io_stop(resolver->ev, &resolver->descriptors[i].io);
		resolver->descriptors[i].used = false;
	}
}

static void
ask(struct resolver *resolver)
{
	/* c-ares leaks memory where /etc/hosts has localhost in the other family only (1.18.1) */
	int family = is_localhost(resolver->name) ? AF_UNSPEC : resolver->family;
	struct ares_addrinfo_hints hints = { .ai_family = family, .ai_flags = ARES_AI_NOSORT };

	resolver->status = RESOLVER_PENDING;
	ares_getaddrinfo(resolver->channel, resolver->name, NULL, &hints, on_answer, resolver);
}

/* With ARES_FLAG_NOCHECKRESP a server's failure is its answer, so asking the
 * next server is ours: the list from there on, until there is none. */
static bool
ask_next(struct resolver *resolver)
{
	bool failed = resolver->status == RESOLVER_SERVFAIL || resolver->status == RESOLVER_REFUSED ||
	    resolver->status == RESOLVER_BAD_ANSWER;

	if (!failed || resolver->server + 1 >= resolver->server_count)
		return false;
	resolver->server++;
	if (ares_set_servers_ports(resolver->channel, &resolver->servers[resolver->server]) != ARES_SUCCESS)
		return false;
	ask(resolver);
	return true;
}

static void
next_server(struct resolver *resolver)
{
	while (resolver->status != RESOLVER_PENDING) {
		if (ask_next(resolver))
			continue;
		close_channel(resolver);
		resolver->done(resolver, resolver->context);
		return;
	}
	arm_timer(resolver);
}

/* Start. */

static bool
keep_servers(struct resolver *resolver)
{
	struct ares_addr_port_node *list = NULL, *node;
	size_t count = 0;

	if (ares_get_servers_ports(resolver->channel, &list) != ARES_SUCCESS)
		return false;
	for (node = list; node && count < RESOLVER_MAX_SERVERS; node = node->next) {
		resolver->servers[count] = *node;
		resolver->servers[count].next = NULL;
		if (count > 0)
			resolver->servers[count - 1].next = &resolver->servers[count];
		count++;
	}
	resolver->server_count = count;
	ares_free_data(list);
	return true;
}

static int
open_channel(struct resolver *resolver, bool search, double seconds)
{
	struct ares_options options = { 0 };
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB, status;
	double share = seconds > 0 ? seconds * TIME_SHARE * 1000 : 0; /* also where it is no number */

	options.flags = ARES_FLAG_NOCHECKRESP;
	options.tries = TRIES;
	options.sock_state_cb = on_socket_state;
	options.sock_state_cb_data = resolver;
	if (!search)
		mask |= ARES_OPT_DOMAINS; /* none: ARES_FLAG_NOSEARCH is ignored by ares_getaddrinfo */
	options.timeout = share > 1e6 ? 333333 : (int)(share / 3) + 1;
	status = ares_init_options(&resolver->channel, &options, mask);
	if (status != ARES_SUCCESS)
		return status;
	resolver->open = true;
	if (!keep_servers(resolver))
		return ARES_ENOMEM;
	if (resolver->server_count > 1) {
		/* Each try doubles the time of the one before: a share for every server. */
		ares_destroy(resolver->channel);
		options.timeout = options.timeout / (int)resolver->server_count + 1;
		status = ares_init_options(&resolver->channel, &options, mask);
		resolver->open = status == ARES_SUCCESS;
	}
	return status;
}

bool
resolver_start(struct resolver *resolver, struct ev_loop *ev, const char *name, int family, const char *server,
    const char *interface, double seconds, resolver_done *done, void *context)
{
	size_t length = strlen(name);

	memset(resolver, 0, sizeof *resolver);
	resolver->ev = ev;
	resolver->family = family;
	resolver->done = done;
	resolver->context = context;
	ev_timer_init(&resolver->timer, on_timer, 0., 0.);
	resolver->timer.data = resolver;
	resolver->status = RESOLVER_NXDOMAIN;
	if (length == 0 || length >= sizeof resolver->name)
		return false;
	memcpy(resolver->name, name, length + 1);
	if (interface) {
		(void)snprintf(resolver->interface, sizeof resolver->interface, "%s", interface);
		resolver->sockets.interface = resolver->interface;
	}
	/* A name with a dot is complete; a bare word may be one of the local domain. */
	if (open_channel(resolver, strchr(name, '.') == NULL, seconds) != ARES_SUCCESS) {
		resolver->status = RESOLVER_MEMORY;
		resolver_close(resolver);
		return false;
	}
	/* A refused list would silently leave the system's servers in use. */
	if (server && (ares_set_servers_ports_csv(resolver->channel, server) != ARES_SUCCESS || !keep_servers(resolver))) {
		resolver->status = RESOLVER_NO_SERVER;
		resolver_close(resolver);
		return false;
	}
	resolver_use_sockets(resolver->channel, &resolver->sockets);
	ask(resolver);
	next_server(resolver);
	return true;
}

void
resolver_close(struct resolver *resolver)
{
	close_channel(resolver);
}
