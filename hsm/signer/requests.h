/* requests: the handlers of everything that may be asked of the signer, by file: orders, endings
 * (void, revoke, time), signatures (head, CRL, verification certificate), reads. The table is in
 * requests.c. Handlers begin a job's way and end it with one of signer_reply, signer_refuse,
 * signer_done. Threads: the loop. Layer above: server. Below: signer. */
#ifndef HSM_SIGNER_REQUESTS_H
#define HSM_SIGNER_REQUESTS_H

#include "hsm/signer/signer.h"

#define ROWS_AT_ONCE 32

void request_status(struct signer *s, struct job *job);
void request_order_open(struct signer *s, struct job *job);
void request_order_units(struct signer *s, struct job *job);
void request_order_quantity(struct signer *s, struct job *job);
void request_order_use(struct signer *s, struct job *job);
void request_order_close(struct signer *s, struct job *job);
void request_orders(struct signer *s, struct job *job);
void request_issuances(struct signer *s, struct job *job);
void request_find(struct signer *s, struct job *job);
void request_certificate(struct signer *s, struct job *job);
void request_entries(struct signer *s, struct job *job);
void request_void_issuance(struct signer *s, struct job *job);
void request_revoke_issuance(struct signer *s, struct job *job);
void request_accept_time(struct signer *s, struct job *job);
void request_head(struct signer *s, struct job *job);
void request_ca(struct signer *s, struct job *job);
void request_crl(struct signer *s, struct job *job);
void request_backup(struct signer *s, struct job *job);
void request_verification(struct signer *s, struct job *job);

/* Appends, commits and answers with the sentence; false if it was refused instead. */
bool request_append(struct signer *s, struct job *job, struct entry *entry, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The caller's name, for an entry's field `by`. */
struct bytes request_by(const struct job *job);

#endif
