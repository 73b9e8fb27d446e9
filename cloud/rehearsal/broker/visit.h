/* visit: what one device showed in its TLS handshake: its certificate, what it sent behind it, and
 * whether it named the server. It hangs on the leaf (which owns it: `leaf` is not counted) from the
 * verification until the connection's end, since MQTT's CONNECT comes later.
 * Threads: the broker's one. Layer above: inspect, gate, handshake. Below: OpenSSL. */
#ifndef CLOUD_REHEARSAL_BROKER_VISIT_H
#define CLOUD_REHEARSAL_BROKER_VISIT_H

#include "cloud/rehearsal/broker/decision.h"
#include "cloud/rehearsal/registry.h"

#include <openssl/x509.h>

#define VISIT_NAME_SIZE 65 /* ub-common-name is 64 */
#define VISIT_ADDRESS_SIZE 64

struct visit {
	X509 *leaf;
	STACK_OF(X509) * chain; /* behind the leaf */
	bool sni;
	char id[REGISTRY_ID_SIZE], ca_id[REGISTRY_ID_SIZE]; /* ca_id: of an unknown one */
	char common_name[VISIT_NAME_SIZE];		    /* printable, without quotes */
	char address[VISIT_ADDRESS_SIZE];
	enum verdict verdict; /* the last one */
};

/* `sent`: as OpenSSL has it, the leaf first. */
MUST_CHECK bool visit_new(X509 *leaf, STACK_OF(X509) * sent, bool sni, const char *address,
			  struct visit **ret_visit, struct err *e);
void visit_free(struct visit *v);
AUTO_DEFINE(visit, struct visit *, visit_free)

#endif
