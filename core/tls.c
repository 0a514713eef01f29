#include "tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "entropy.h"
#include "tls_inside.h"
#include "tls_offer.h"

enum { SEED = 32 }; /* bytes of the kernel's randomness for one connection */

static void
names_start(const br_ssl_client_certificate_class **ctx)
{
	((struct tls_identity *)(void *)ctx)->requested = true;
}

static void
name_start(const br_ssl_client_certificate_class **ctx, size_t length)
{
	(void)ctx;
	(void)length;
}

static void
name_append(const br_ssl_client_certificate_class **ctx, const unsigned char *bytes, size_t n)
{
	(void)ctx;
	(void)bytes;
	(void)n;
}

static void
name_end(const br_ssl_client_certificate_class **ctx)
{
	(void)ctx;
}

/* Without a certificate an empty list is sent: RFC 5246 section 7.4.6 */
static void
choose_none(const br_ssl_client_certificate_class **ctx, const br_ssl_client_context *client, uint32_t types,
	    br_ssl_client_certificate *choices)
{
	(void)ctx;
	(void)client;
	(void)types;
	*choices = (br_ssl_client_certificate){ .chain = NULL, .chain_len = 0 };
}

static const br_ssl_client_certificate_class no_certificate = {
	.context_size = sizeof(struct tls_identity),
	.start_name_list = names_start,
	.start_name = name_start,
	.append_name = name_append,
	.end_name = name_end,
	.end_name_list = name_end,
	.choose = choose_none,
};

/* Copies the names: BearSSL keeps pointers, and copies unchecked into 512 bytes when it writes them. */
static bool
set_alpn(struct tls *t, const struct tls_config *config)
{
	size_t used = 0, length;

	if (config->alpn_count > TLS_ALPN_COUNT_MAX)
		return false;
	for (size_t i = 0; i < config->alpn_count; i++) {
		length = strlen(config->alpn[i]);
		if (length == 0 || length > TLS_ALPN_NAME_MAX || length + 1 > sizeof t->alpn_text - used)
			return false;
		t->alpn[i] = memcpy(t->alpn_text + used, config->alpn[i], length + 1);
		used += length + 1;
	}
	br_ssl_engine_set_protocol_names(&t->client.eng, t->alpn, config->alpn_count);
	return true;
}

static bool
config_valid(const struct tls_config *config)
{
	if (config->name != NULL && (config->name[0] == '\0' || strlen(config->name) > TLS_NAME_MAX))
		return false;
	return config->version_min >= BR_TLS10 && config->version_min <= config->version_max &&
	       config->version_max <= BR_TLS12;
}

static void
set_engine(struct tls *t, const struct tls_config *config)
{
	br_ssl_engine_context *engine = &t->client.eng;
	br_x509_minimal_context unused; /* init_full fills one; ours takes its place before anything reads it */

	br_ssl_client_init_full(&t->client, &unused, NULL, 0);
	br_ssl_engine_set_x509(engine, &t->chain.vtable);
	br_ssl_client_set_client_certificate(&t->client, &t->identity.vtable);
	tls_offer(engine, config->version_min, config->version_max);
	br_ssl_engine_set_buffers_bidi(engine, t->input, sizeof t->input, t->output, sizeof t->output);
	/* else BearSSL asks for records of 512 bytes, after its smaller buffer */
	engine->log_max_frag_len = 14;
	br_ssl_engine_set_all_flags(engine, BR_OPT_NO_RENEGOTIATION);
}

/* The seed goes in behind init_full, which sets the hashes, and before the reset: elsewhere it is lost. */
static enum tls_fault
seed_engine(struct tls *t)
{
	unsigned char seed[SEED];
	int error = entropy_fill(seed, sizeof seed);

	if (error != 0) {
		errno = error;
		return TLS_NO_ENTROPY;
	}
	br_ssl_engine_inject_entropy(&t->client.eng, seed, sizeof seed);
	explicit_bzero(seed, sizeof seed);
	return TLS_OK;
}

static enum tls_fault
start(struct tls *t, const struct tls_config *config)
{
	enum tls_fault fault;

	set_engine(t, config);
	if (!set_alpn(t, config))
		return TLS_MISUSE;
	fault = seed_engine(t);
	if (fault != TLS_OK)
		return fault;
	return br_ssl_client_reset(&t->client, config->name, 0) ? TLS_OK : TLS_MISUSE;
}

struct tls *
tls_new(const struct tls_config *config, enum tls_fault *why)
{
	struct tls *t;

	*why = TLS_MISUSE;
	if (!config_valid(config))
		return NULL;
	*why = TLS_NO_MEMORY;
	t = calloc(1, sizeof *t);
	if (t == NULL)
		return NULL;
	tls_stream_init(&t->stream);
	tls_chain_init(&t->chain);
	tls_hello_init(&t->hello);
	t->identity.vtable = &no_certificate;
	t->info.alert = -1;
	*why = start(t, config);
	if (*why == TLS_OK)
		return t;
	tls_free(t);
	return NULL;
}

void
tls_free(struct tls *t)
{
	int error = errno;

	if (t == NULL)
		return;
	tls_chain_free(&t->chain);
	explicit_bzero(t, sizeof *t);
	free(t);
	errno = error;
}

size_t
tls_chain_count(const struct tls *t)
{
	return t->chain.count;
}

const unsigned char *
tls_chain_certificate(const struct tls *t, size_t i, size_t *length)
{
	return tls_chain_get(&t->chain, i, length);
}

bool
tls_pending(const struct tls *t)
{
	return t->out_start < t->out_end;
}

bool
tls_stalled(const struct tls *t)
{
	const br_ssl_engine_context *engine = &t->client.eng;
	size_t n;

	return tls_pending(t) && br_ssl_engine_recvrec_buf(engine, &n) == NULL &&
	    br_ssl_engine_recvapp_buf(engine, &n) == NULL;
}

struct stream *
tls_stream(struct tls *t)
{
	return &t->stream;
}

static void
refresh_alert(struct tls *t)
{
	int error = br_ssl_engine_last_error(&t->client.eng);

	t->info.engine_error = error;
	t->info.close_notify = tls_goodbye(t);
	if (error >= BR_ERR_RECV_FATAL_ALERT && error < BR_ERR_SEND_FATAL_ALERT)
		t->info.alert = error - BR_ERR_RECV_FATAL_ALERT;
	else if (t->info.close_notify)
		t->info.alert = 0;
	t->info.alert_name = t->info.alert < 0 ? NULL : tls_alert_name(t->info.alert);
}

const struct tls_info *
tls_info(struct tls *t)
{
	struct tls_info *info = &t->info;
	const struct tls_hello *h = &t->hello;

	refresh_alert(t);
	info->warning = h->warning;
	info->version = h->version;
	info->version_name = tls_version_name(h->version);
	info->suite = h->suite;
	info->cipher = tls_suite_name(h->suite);
	info->group = tls_group_name(br_ssl_engine_get_ecdhe_curve(&t->client.eng));
	info->alpn = h->alpn_length > 0 ? h->alpn : NULL;
	info->server_hello = h->complete;
	info->chain_complete = t->chain.complete;
	info->client_certificate_requested = t->identity.requested;
	info->said = t->said;
	return info;
}
