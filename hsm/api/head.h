/* head: what the ledger was at one moment, signed by a key in the token that serves for nothing
 * else.
 *	signed bytes: deterministic CBOR ["imprint-head-v1", ledger id h'16', epoch, size, root
 *		h'32', time]
 *	signature: ECDSA P-256 with SHA-256, DER
 * As text (mailed, printed, beside exports and backups) it is one line of JSON, always written
 * exactly so:
 *	{"ledger":"hex","epoch":1,"size":42,"root":"hex","time":"2026-11-22T05:13:36Z",
 *	 "key":"hex SPKI","signature":"hex"}		(without the break)
 * Threads: any. Layer above: signer, verify. Below: cbor; head_verify alone: libcrypto. */
#ifndef HSM_API_HEAD_H
#define HSM_API_HEAD_H

#include "base/err.h"
#include "hsm/api/entry.h"

#define HEAD_KEY_MAX 128
#define HEAD_SIGNATURE_MAX 80
#define HEAD_SIGNED_MAX 160
#define HEAD_TEXT_MAX 1024

struct head {
	uint8_t ledger_id[LEDGER_ID_LEN];
	uint32_t epoch;
	uint64_t size;
	uint8_t root[SHA256_LEN];
	int64_t time_s;
	uint8_t key[HEAD_KEY_MAX]; /* SPKI, DER */
	size_t key_len;
	uint8_t signature[HEAD_SIGNATURE_MAX];
	size_t signature_len;
};

/* Returns the length. */
size_t head_signed_bytes(const struct head *head, uint8_t ret_data[static HEAD_SIGNED_MAX]);
/* True if the signature is the key's over the head; ERR_CORRUPT. Who trusts the key compares it
 * with the ledger's first entry. In hsm/api/proof: it needs libcrypto, and the rest must not. */
MUST_CHECK bool head_verify(const struct head *head, struct err *e);
/* One line, no LF. Returns text. */
char *head_format(const struct head *head, char text[static HEAD_TEXT_MAX]);
/* Reads such a line, blanks and line ends around it allowed. ERR_INVALID. */
MUST_CHECK bool head_parse(const char *text, struct head *ret_head, struct err *e);

void head_write(struct writer *w, const struct head *head);
void head_read(struct reader *r, struct head *ret_head);

#endif
