/* handshake: the broker's TLS, without a change to the broker. An index of SSL's extra data makes
 * OpenSSL call us in each SSL_new() of the process: there our verification takes the place of
 * OpenSSL's, sessions and tickets are switched off (a resumed session is not verified), and every TLS
 * listener asks for a certificate. TLS that the broker speaks as a client is left alone.
 *
 * When does the client prove that it holds the key? The verification runs at its Certificate message;
 * CertificateVerify comes later. So:
 *	known to be refused, nothing to write	refused in the verification (alert 46)
 *	new or pending				accepted there; registered, announced and refused once its
 *						Finished has been checked, before ours is sent
 *	ACTIVE					accepted; OpenSSL itself checks the proof
 * OpenSSL has no call that sends an alert of one's choice at that later moment. In TLS 1.2 the
 * server's direction is not encrypted before its ChangeCipherSpec, so the seven bytes of a fatal
 * certificate_unknown are written as they are: the client cannot tell it from OpenSSL's. In TLS 1.3
 * the alert would have to be encrypted: the line is closed without one, as modern AWS does.
 *
 * With gate->refuse_at_connect all certificates pass, and CONNECT decides.
 * Threads: the broker's one; one hook a process. Layer above: plugin. Below: gate, OpenSSL. */
#ifndef CLOUD_REHEARSAL_BROKER_HANDSHAKE_H
#define CLOUD_REHEARSAL_BROKER_HANDSHAKE_H

#include "cloud/rehearsal/broker/gate.h"

/* From now on, until handshake_unhook. `version_max`: TLS1_2_VERSION or TLS1_3_VERSION. */
MUST_CHECK bool handshake_hook(struct gate *g, int version_max, struct err *e);
void handshake_unhook(void);

/* What the owner of this leaf showed; NULL if it did not pass through here. */
struct visit *handshake_visit(X509 *leaf);

#endif
