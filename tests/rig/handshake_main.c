/* rig-handshake: a device that knocks N times, and counts how it was answered.
 *	rig-handshake [--count N] [--sni NAME] [--tls 1.2|1.3] [--root FILE] [--connect ID] PORT CHAIN KEY
 * CHAIN: the certificates in the order in which they are sent; KEY: a private key, which signs even if
 * it is not the first certificate's (EC only): somebody who copied a certificate. CHAIN and KEY "-": none.
 * --root: verify the server's certificate with it. --connect: then MQTT's CONNECT with that client id.
 * One line for each outcome, with its count: "alert-46 10", "handshake 1", "connack-0 1", "closed 1",
 * "reset 1", "silent 1", "error-REASON 1". */
#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#define PATIENCE_S 60
#define OUTCOMES_MAX 32
#define OUTCOME_SIZE 80
#define CLIENT_ID_MAX 100
#define POINT_SIZE 133 /* P-521, uncompressed */
#define GROUP_SIZE 32

AUTO_DEFINE(SSL_CTX, SSL_CTX *, SSL_CTX_free)
AUTO_DEFINE(SSL, SSL *, SSL_free)
AUTO_DEFINE(BIO, BIO *, BIO_free_all)
AUTO_DEFINE(X509, X509 *, X509_free)
AUTO_DEFINE(EVP_PKEY, EVP_PKEY *, EVP_PKEY_free)
AUTO_DEFINE(BIGNUM, BIGNUM *, BN_clear_free)
AUTO_DEFINE(OSSL_PARAM, OSSL_PARAM *, OSSL_PARAM_free)
AUTO_DEFINE(OSSL_PARAM_BLD, OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)
AUTO_DEFINE(EVP_PKEY_CTX, EVP_PKEY_CTX *, EVP_PKEY_CTX_free)

struct options {
	unsigned count;
	int version;
	const char *sni, *root, *client_id;
	uint16_t port;
	const char *chain, *key;
};

static struct {
	char name[OUTCOME_SIZE];
	unsigned count;
} outcomes[OUTCOMES_MAX];

static void tally(const char *name)
{
	for (size_t i = 0; i < OUTCOMES_MAX; i++) {
		if (!*outcomes[i].name)
			snprintf(outcomes[i].name, OUTCOME_SIZE, "%s", name);
		if (strncmp(outcomes[i].name, name, OUTCOME_SIZE - 1) == 0) {
			outcomes[i].count++;
			return;
		}
	}
}

static bool fail(const char *what)
{
	fprintf(stderr, "rig-handshake: %s: %s\n", what,
		ERR_reason_error_string(ERR_peek_last_error()));
	return false;
}

/* --- certificate and key --- */

static EVP_PKEY *pretend(EVP_PKEY *shown, EVP_PKEY *held)
{
	AUTO(OSSL_PARAM_BLD) build = OSSL_PARAM_BLD_new();
	AUTO(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	AUTO(OSSL_PARAM) params = NULL;
	AUTO(BIGNUM) number = NULL;
	uint8_t point[POINT_SIZE];
	char group[GROUP_SIZE];
	EVP_PKEY *key = NULL;
	size_t len;

	if (!build || !context || !EVP_PKEY_get_group_name(shown, group, sizeof(group), NULL) ||
	    !EVP_PKEY_get_octet_string_param(shown, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
					     &len) ||
	    !EVP_PKEY_get_bn_param(held, OSSL_PKEY_PARAM_PRIV_KEY, &number) ||
	    !OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) ||
	    !OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, len) ||
	    !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number) ||
	    !(params = OSSL_PARAM_BLD_to_param(build)) || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) != 1)
		return NULL;
	return key;
}

static bool use_key(SSL_CTX *context, X509 *leaf, const char *file)
{
	AUTO(BIO) in = BIO_new_file(file, "r");
	AUTO(EVP_PKEY) held = in ? PEM_read_bio_PrivateKey(in, NULL, NULL, NULL) : NULL;
	AUTO(EVP_PKEY) used = NULL;

	if (!held)
		return fail(file);
	if (EVP_PKEY_eq(held, X509_get0_pubkey(leaf)) == 1)
		used = TAKE(held);
	else
		used = pretend(X509_get0_pubkey(leaf), held);
	return (used && SSL_CTX_use_PrivateKey(context, used) == 1) ||
	       fail("the key cannot be used");
}

static bool use_identity(SSL_CTX *context, const struct options *o)
{
	AUTO(BIO) in = BIO_new_file(o->chain, "r");
	AUTO(X509) leaf = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;

	if (!leaf || SSL_CTX_use_certificate(context, leaf) != 1)
		return fail(o->chain);
	for (;;) {
		AUTO(X509) next = PEM_read_bio_X509(in, NULL, NULL, NULL);

		if (!next)
			break;
		if (SSL_CTX_add1_chain_cert(context, next) != 1)
			return fail(o->chain);
	}
	return use_key(context, leaf, o->key);
}

static SSL_CTX *make_context(const struct options *o)
{
	AUTO(SSL_CTX) context = SSL_CTX_new(TLS_client_method());

	if (!context)
		return NULL;
	SSL_CTX_set_security_level(context, 0); /* weak certificates are sent as well */
	SSL_CTX_set_min_proto_version(context, o->version);
	SSL_CTX_set_max_proto_version(context, o->version);
	if (o->root) {
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
		if (SSL_CTX_load_verify_locations(context, o->root, NULL) != 1)
			return NULL;
	}
	if (strcmp(o->chain, "-") != 0 && !use_identity(context, o))
		return NULL;
	return TAKE(context);
}

/* --- one attempt --- */

static int open_line(uint16_t port)
{
	const struct sockaddr_in to = { AF_INET, htons(port), { htonl(INADDR_LOOPBACK) } };
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	const struct linger at_once = { .l_onoff = 1 }; /* ten thousand leave no port waiting */
	AUTO(fd) fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	return TAKE_FD(fd);
}

static void tally_failure(SSL *ssl, int rc)
{
	int kind = SSL_get_error(ssl, rc), system = errno;
	unsigned long error = ERR_peek_last_error();
	int reason = ERR_GET_REASON(error);
	char name[OUTCOME_SIZE];

	if (kind == SSL_ERROR_SSL && reason > SSL_AD_REASON_OFFSET)
		snprintf(name, sizeof(name), "alert-%d", reason - SSL_AD_REASON_OFFSET);
	else if (kind == SSL_ERROR_SSL && reason != SSL_R_UNEXPECTED_EOF_WHILE_READING)
		snprintf(name, sizeof(name), "error-%s", ERR_reason_error_string(error));
	else if (kind == SSL_ERROR_WANT_READ)
		snprintf(name, sizeof(name), "silent");
	else if (kind == SSL_ERROR_SYSCALL && (system == ECONNRESET || system == EPIPE))
		snprintf(name, sizeof(name), "reset");
	else
		snprintf(name, sizeof(name), "closed");
	for (char *c = name; *c; c++)
		if (*c == ' ')
			*c = '_';
	tally(name);
}

static void mqtt_connect(SSL *ssl, const char *client_id)
{
	size_t id_len = strlen(client_id);
	uint8_t packet[16 + CLIENT_ID_MAX] = {
		0x10, (uint8_t)(12 + id_len), 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60,
		0,    (uint8_t)id_len
	};
	uint8_t answer[4];
	char name[OUTCOME_SIZE];
	int len;

	memcpy(packet + 14, client_id, id_len);
	if ((len = SSL_write(ssl, packet, (int)(14 + id_len))) <= 0 ||
	    (len = SSL_read(ssl, answer, sizeof(answer))) <= 0) {
		tally_failure(ssl, len);
		return;
	}
	snprintf(name, sizeof(name), "connack-%u", len == 4 ? answer[3] : 255);
	tally(name);
}

static bool attempt(SSL_CTX *context, const struct options *o)
{
	AUTO(fd) fd = open_line(o->port);
	AUTO(SSL) ssl = SSL_new(context);
	int rc;

	if (fd < 0 || !ssl || SSL_set_fd(ssl, fd) != 1)
		return fail("cannot reach the broker");
	if (o->sni)
		SSL_set_tlsext_host_name(ssl, o->sni);
	ERR_clear_error();
	rc = SSL_connect(ssl);
	if (rc != 1)
		tally_failure(ssl, rc);
	else if (o->client_id)
		mqtt_connect(ssl, o->client_id);
	else
		tally("handshake");
	return true;
}

/* --- the command line --- */

static bool read_options(int argc, char **argv, struct options *ret_options)
{
	static const struct option names[] = {
		{ "count", required_argument, NULL, 'n' },
		{ "sni", required_argument, NULL, 's' },
		{ "tls", required_argument, NULL, 't' },
		{ "root", required_argument, NULL, 'r' },
		{ "connect", required_argument, NULL, 'c' },
		{ 0 },
	};
	struct options o = { .count = 1, .version = TLS1_2_VERSION };
	int name;

	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (name) {
		case 'n':
			o.count = (unsigned)atoi(optarg);
			break;
		case 's':
			o.sni = optarg;
			break;
		case 't':
			o.version = strcmp(optarg, "1.3") == 0 ? TLS1_3_VERSION : TLS1_2_VERSION;
			break;
		case 'r':
			o.root = optarg;
			break;
		case 'c':
			o.client_id = optarg;
			break;
		default:
			return false;
		}
	if (argc - optind != 3 || (o.client_id && strlen(o.client_id) > CLIENT_ID_MAX))
		return false;
	o.port = (uint16_t)atoi(argv[optind]);
	o.chain = argv[optind + 1];
	o.key = argv[optind + 2];
	*ret_options = o;
	return true;
}

int main(int argc, char **argv)
{
	AUTO(SSL_CTX) context = NULL;
	struct options o;

	signal(SIGPIPE, SIG_IGN);
	if (!read_options(argc, argv, &o)) {
		fprintf(stderr, "rig-handshake: the first comment of its source says how\n");
		return 2;
	}
	context = make_context(&o);
	if (!context)
		return fail("cannot prepare TLS") ? 0 : 1;
	for (unsigned i = 0; i < o.count; i++)
		if (!attempt(context, &o))
			return 1;
	for (size_t i = 0; i < OUTCOMES_MAX && *outcomes[i].name; i++)
		printf("%s %u\n", outcomes[i].name, outcomes[i].count);
	return 0;
}
