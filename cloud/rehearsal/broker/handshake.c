#include "cloud/rehearsal/broker/handshake.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
/* A code that OpenSSL has no alert for becomes certificate_unknown (46): AWS's answer. */
#define X509_REFUSED X509_V_ERR_PERMITTED_VIOLATION

/* What hangs on an SSL. A client that resets the line has no address any more: so it is asked first. */
struct line {
	struct gate *gate;
	char address[VISIT_ADDRESS_SIZE];
};

static struct {
	int ssl, x509; /* indices of extra data: the line's, and the visit's */
	int version_max;
} hook = { -1, -1, 0 };

struct visit *handshake_visit(X509 *leaf)
{
	return X509_get_ex_data(leaf, hook.x509);
}

static struct visit *visit_of(const SSL *ssl)
{
	X509 *leaf = SSL_get0_peer_certificate(ssl);

	return leaf ? handshake_visit(leaf) : NULL;
}

static void peer_address(const SSL *ssl, char ret_text[static VISIT_ADDRESS_SIZE])
{
	struct sockaddr_storage peer = { 0 };
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&peer;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&peer;
	char host[INET6_ADDRSTRLEN] = "?";
	socklen_t len = sizeof(peer);

	if (getpeername(SSL_get_fd(ssl), (struct sockaddr *)&peer, &len) == 0) {
		if (peer.ss_family == AF_INET)
			inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		else if (peer.ss_family == AF_INET6)
			inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
	}
	snprintf(ret_text, VISIT_ADDRESS_SIZE, peer.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u",
		 host, ntohs(peer.ss_family == AF_INET6 ? v6->sin6_port : v4->sin_port));
}

/* --- the verification --- */

static struct visit *start_visit(X509_STORE_CTX *store, const SSL *ssl)
{
	const struct line *line = SSL_get_ex_data(ssl, hook.ssl);
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	AUTO(visit) v = NULL;
	struct err e;

	if (!line ||
	    !visit_new(leaf, X509_STORE_CTX_get0_untrusted(store),
		       SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) != NULL, line->address,
		       &v, &e) ||
	    !X509_set_ex_data(leaf, hook.x509, v))
		return NULL;
	return TAKE(v);
}

static bool may_go_on(struct gate *g, struct visit *v)
{
	enum verdict verdict;

	if (g->refuse_at_connect)
		return true;
	verdict = gate_judge(g, v);
	if (verdict == VERDICT_ACCEPTED || decision_needs_proof(verdict))
		return true;
	gate_refuse(g, v);
	return false;
}

static int verify(X509_STORE_CTX *store, void *context)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct visit *v = start_visit(store, ssl);

	if (v && may_go_on(context, v)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	X509_STORE_CTX_set_error(store, X509_REFUSED);
	return 0;
}

/* --- after the proof --- */

static void hang_up(const SSL *ssl)
{
	/* Alert, TLS 1.2, two bytes: fatal, certificate_unknown. */
	static const uint8_t alert[] = { 21, 3, 3, 0, 2, 2, 46 };

	if (SSL_version(ssl) == TLS1_2_VERSION)
		BIO_write(SSL_get_wbio(ssl), alert, sizeof(alert));
	shutdown(SSL_get_fd(ssl), SHUT_RDWR);
}

static void on_finished(struct gate *g, const SSL *ssl)
{
	struct visit *v = visit_of(ssl);

	if (g->refuse_at_connect || !v || v->verdict == VERDICT_ACCEPTED)
		return;
	gate_refuse(g, v);
	hang_up(ssl);
}

/* --- handshakes that fail of themselves --- */

/* VERDICT_ACCEPTED: nothing to say. */
static enum verdict verdict_of(unsigned long error)
{
	static const struct {
		int reason;
		enum verdict verdict;
	} reasons[] = {
		{ SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, VERDICT_NO_CERTIFICATE },
		{ SSL_R_WRONG_VERSION_NUMBER, VERDICT_NOT_TLS },
		{ SSL_R_HTTP_REQUEST, VERDICT_NOT_TLS },
		{ SSL_R_HTTPS_PROXY_REQUEST, VERDICT_NOT_TLS },
		{ SSL_R_BAD_SIGNATURE, VERDICT_NO_KEY },
		{ SSL_R_TLSV1_ALERT_UNKNOWN_CA, VERDICT_SERVER_UNTRUSTED },
		{ SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, VERDICT_SERVER_DISLIKED },
		{ SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, VERDICT_SERVER_DISLIKED },
		{ SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, VERDICT_CLIENT_CLOCK },
		{ SSL_R_UNEXPECTED_EOF_WHILE_READING, VERDICT_ACCEPTED }, /* it hung up */
		{ SSL_R_CERTIFICATE_VERIFY_FAILED, VERDICT_ACCEPTED },	  /* said already */
	};

	if (ERR_GET_LIB(error) != ERR_LIB_SSL)
		return VERDICT_ACCEPTED; /* it only waits, or the line broke */
	for (size_t i = 0; i < COUNT(reasons); i++)
		if (reasons[i].reason == ERR_GET_REASON(error))
			return reasons[i].verdict;
	return VERDICT_HANDSHAKE;
}

static void on_failure(const struct line *line, const SSL *ssl)
{
	unsigned long error = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(error);
	enum verdict verdict = verdict_of(error);
	struct visit *v = visit_of(ssl);

	if (verdict == VERDICT_NO_KEY && v) {
		v->verdict = verdict;
		gate_refuse(line->gate, v);
	} else if (verdict != VERDICT_ACCEPTED) {
		gate_refuse_stranger(line->gate, verdict, line->address, reason ? reason : "");
	}
}

static void on_state(const SSL *ssl, int where, int ret)
{
	struct line *line = SSL_get_ex_data(ssl, hook.ssl);

	if (!line)
		return;
	if (where == SSL_CB_HANDSHAKE_START)
		peer_address(ssl, line->address);
	else if (where == SSL_CB_ACCEPT_LOOP && SSL_get_state(ssl) == TLS_ST_SR_FINISHED)
		on_finished(line->gate, ssl);
	else if (where == SSL_CB_ACCEPT_EXIT && ret <= 0)
		on_failure(line, ssl);
}

/* --- the hook --- */

static void on_new_ssl(void *parent, void *value, CRYPTO_EX_DATA *data, int index, long number,
		       void *gate)
{
	SSL *ssl = parent;
	SSL_CTX *context = SSL_get_SSL_CTX(ssl);

	struct line *line;

	(void)value;
	(void)number;
	if (!SSL_is_server(ssl))
		return;
	/* Without memory for it, the verification refuses. */
	line = calloc(1, sizeof(*line));
	if (line)
		line->gate = gate;
	if (!CRYPTO_set_ex_data(data, index, line))
		free(line);
	SSL_CTX_set_cert_verify_callback(context, verify, gate);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_set_min_proto_version(ssl, TLS1_2_VERSION);
	SSL_set_max_proto_version(ssl, hook.version_max);
	SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_set_info_callback(ssl, on_state);
}

static void on_free_x509(void *parent, void *visit, CRYPTO_EX_DATA *data, int index, long number,
			 void *context)
{
	(void)parent;
	(void)data;
	(void)index;
	(void)number;
	(void)context;
	visit_free(visit);
}

static void on_free_ssl(void *parent, void *line, CRYPTO_EX_DATA *data, int index, long number,
			void *context)
{
	(void)parent;
	(void)data;
	(void)index;
	(void)number;
	(void)context;
	free(line);
}

bool handshake_hook(struct gate *g, int version_max, struct err *e)
{
	hook.version_max = version_max;
	hook.x509 =
		CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509, 0, NULL, NULL, NULL, on_free_x509);
	hook.ssl =
		CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL, 0, g, on_new_ssl, NULL, on_free_ssl);
	if (hook.ssl >= 0 && hook.x509 >= 0)
		return true;
	handshake_unhook();
	return err_set(e, ERR_SYSTEM, "cannot hook into OpenSSL");
}

void handshake_unhook(void)
{
	if (hook.ssl >= 0)
		CRYPTO_free_ex_index(CRYPTO_EX_INDEX_SSL, hook.ssl);
	if (hook.x509 >= 0)
		CRYPTO_free_ex_index(CRYPTO_EX_INDEX_X509, hook.x509);
	hook.ssl = hook.x509 = -1;
}
