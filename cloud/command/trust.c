#include "cloud/command/trust.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/wait.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

AUTO_DEFINE(SSL_CTX, SSL_CTX *, SSL_CTX_free)
AUTO_DEFINE(SSL, SSL *, SSL_free)
AUTO_DEFINE(BIO, BIO *, BIO_free_all)
AUTO_DEFINE(addrinfo, struct addrinfo *, freeaddrinfo)

/* --- the connection --- */

static bool connect_to(const struct addrinfo *address, int64_t deadline, int *ret_fd, struct err *e)
{
	AUTO(fd)
	fd = socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(errno);
	int failure = 0;

	if (fd < 0)
		return err_errno(e, ERR_SYSTEM, "cannot make a socket");
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0 && errno != EINPROGRESS)
		return err_errno(e, ERR_GONE, "no connection");
	if (!wait_for(fd, POLLOUT, deadline, -1, NULL, e))
		return err_add(e, "no connection");
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) < 0 || (errno = failure) != 0)
		return err_errno(e, ERR_GONE, "no connection");
	*ret_fd = TAKE_FD(fd);
	return true;
}

static bool reach(const char *host, const char *port, int64_t deadline, int *ret_fd, struct err *e)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	AUTO(addrinfo) list = NULL;
	int failure = getaddrinfo(host, port, &hints, &list);
	bool reached = false;

	if (failure)
		return err_set(e, ERR_NOT_FOUND, "%s", gai_strerror(failure));
	for (struct addrinfo *each = list; each && !reached; each = each->ai_next)
		reached = connect_to(each, deadline, ret_fd, e);
	return reached;
}

/* --- TLS --- */

/* Into the store go all of them; *ret_name is the first one's subject. */
static bool take_roots(X509_STORE *store, const char *roots, char ret_name[static TRUST_TEXT_SIZE],
		       struct err *e)
{
	AUTO(BIO) bio = BIO_new_mem_buf(roots, -1);
	X509 *root;

	*ret_name = '\0';
	while (bio && (root = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (!*ret_name)
			X509_NAME_get_text_by_NID(X509_get_subject_name(root), NID_commonName,
						  ret_name, TRUST_TEXT_SIZE);
		if (!*ret_name)
			X509_NAME_oneline(X509_get_subject_name(root), ret_name, TRUST_TEXT_SIZE);
		X509_STORE_add_cert(store, root);
		X509_free(root);
	}
	ERR_clear_error();
	return *ret_name || err_set(e, ERR_INVALID, "the server root is no certificate");
}

static bool make_client(const char *host, const char *roots, SSL_CTX **ret_context, SSL **ret_ssl,
			struct trust *trust, struct err *e)
{
	AUTO(SSL_CTX) context = SSL_CTX_new(TLS_client_method());
	AUTO(SSL) ssl = NULL;

	if (!context)
		return err_set(e, ERR_SYSTEM, "no memory for TLS");
	if (!take_roots(SSL_CTX_get_cert_store(context), roots, trust->root, e))
		return false;
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	ssl = SSL_new(context);
	if (!ssl || !SSL_set_tlsext_host_name(ssl, host) || !SSL_set1_host(ssl, host))
		return err_set(e, ERR_SYSTEM, "no memory for TLS");
	*ret_context = TAKE(context);
	*ret_ssl = TAKE(ssl);
	return true;
}

/* Until the handshake is over, well or not. */
static bool shake_hands(SSL *ssl, int fd, int64_t deadline, struct err *e)
{
	for (;;) {
		int result = SSL_connect(ssl);
		int wanted = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl, result);
		short events = wanted == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;

		if (wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE)
			return true;
		if (!wait_for(fd, events, deadline, -1, NULL, e))
			return err_add(e, "no end of the TLS handshake");
	}
}

/* The server's certificate is known once it was verified; what came after that is not ours. */
static bool judge(SSL *ssl, struct trust *trust, struct err *e)
{
	long result = SSL_get_verify_result(ssl);

	trust->trusted = result == X509_V_OK && SSL_get0_peer_certificate(ssl);
	*trust->why_not = '\0';
	if (!trust->trusted && result == X509_V_OK)
		return err_set(e, ERR_GONE, "it does not speak TLS as a server for devices does");
	if (!trust->trusted)
		snprintf(trust->why_not, sizeof(trust->why_not), "%s",
			 X509_verify_cert_error_string(result));
	return true;
}

static bool ask(const char *host, const char *port, const char *roots, struct trust *ret_trust,
		struct err *e)
{
	int64_t deadline = clock_deadline(TRUST_TIMEOUT_MS);
	AUTO(SSL_CTX) context = NULL;
	AUTO(SSL) ssl = NULL;
	AUTO(fd) fd = -1;

	if (!make_client(host, roots, &context, &ssl, ret_trust, e) ||
	    !reach(host, port, deadline, &fd, e))
		return false;
	if (!SSL_set_fd(ssl, fd))
		return err_set(e, ERR_SYSTEM, "no memory for TLS");
	return shake_hands(ssl, fd, deadline, e) && judge(ssl, ret_trust, e);
}

bool trust_ask(const char *host, const char *port, const char *roots, struct trust *ret_trust,
	       struct err *e)
{
	struct trust trust;
	bool asked = ask(host, port, roots, &trust, e);

	ERR_clear_error();
	if (!asked)
		return err_add(e, "%s:%s", host, port);
	*ret_trust = trust;
	return true;
}
