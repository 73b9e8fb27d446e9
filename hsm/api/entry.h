/* entry: one row of the ledger. As bytes it is one deterministic CBOR array (RFC 8949 4.2.1):
 *	[1, ledger id h'16', epoch, number, time, type, field, field, …]
 * where the fields of each type, in their order and with their limits, are one row of the table in
 * entry.c (described with test vectors in docs/ledger.md). Numbers start at 1 and have no gaps;
 * they go on in a new epoch. Times are seconds since 1970 UTC. Texts are UTF-8 without control
 * characters. Strings in a decoded entry are views into the decoded bytes. Any input is safe; what
 * is not exactly what encode would have written is refused. Threads: any. Layer above: ledger,
 * verify. Below: cbor. */
#ifndef HSM_API_ENTRY_H
#define HSM_API_ENTRY_H

#include "base/err.h"
#include "hsm/api/issuance.h"

#define ENTRY_VERSION 1
#define ENTRY_MAX 57344 /* bytes of CBOR: with its length it fits one page of a reply */
#define LEDGER_ID_LEN 16
#define LIST_MAX_LEN 49152 /* bytes of unit ids in one entry */
#define ENTRY_FILES_MAX 8  /* whose digests prove an installation */
#define ALARM_TEXT_MAX_LEN 512
#define ENTRY_TIME_MAX 253402300799 /* the last second of the year 9999 */

enum entry_type {
	ENTRY_LEDGER = 1,   /* the first of an epoch: station, key (SPKI of the head key), prefix */
	ENTRY_CA_KEY,	    /* made in the token: subject, key (SPKI) */
	ENTRY_CA,	    /* in use from here on: certificate, chain (DER after DER) */
	ENTRY_ORDER_OPENED, /* order, product, quantity, units, pattern, list, until, by; list: unit
			       ids, one a line, the last LF may be missing */
	ENTRY_ORDER_UNITS,  /* more unit ids for the list: order, list, by */
	ENTRY_ORDER_QUANTITY, /* order, quantity (the new one, not below what is used), by */
	ENTRY_ORDER_USED,     /* this order is the one in use: order, by */
	ENTRY_ORDER_CLOSED,   /* order, by */
	ENTRY_RESERVED, /* order, product, unit, source, nest, operator, serial, key hash, TBS hash,
			   CA id */
	ENTRY_ISSUED,	/* issuance (its reserved entry's number), certificate */
	ENTRY_INSTALLED,    /* issuance, evidence, nest, operator, nonce, digests, signature */
	ENTRY_VOID,	    /* issuance, reason, by, rekeyed (1: quota returns) */
	ENTRY_REVOKED,	    /* issuance, reason, by */
	ENTRY_ALARM,	    /* kind, unit, other unit, key hash, nest, operator, text: one a pair */
	ENTRY_VERIFICATION, /* verification certificate: code, certificate, by */
	ENTRY_CRL,	    /* CA id, number, SHA-256 of the CRL's DER */
	ENTRY_TIME_ACCEPTED, /* reason, by; the only one whose time may lie before the last one's */
	ENTRY_RESTORED, /* second of a new epoch, right after ENTRY_LEDGER: head (the longest that
			   was known, its line of JSON; or empty), reason, by. Closes every order */
	ENTRY_TYPE_COUNT
};

enum alarm_kind { ALARM_KEY_OTHER_UNIT = 1 }; /* others may follow: 1..255 */

struct entry {
	uint8_t ledger_id[LEDGER_ID_LEN];
	uint32_t epoch;
	uint64_t number;
	int64_t time_s;
	enum entry_type type;
	/* fields; those that the type does not have are zero */
	struct bytes station, subject, order, product, unit, other_unit, nest, operator, by, reason,
		pattern, list, text, code, head; /* text */
	struct bytes key, prefix, certificate, chain, serial, key_sha256, tbs_sha256, ca_id, nonce,
		digests, signature, sha256; /* bytes */
	uint64_t issuance, quantity, units, until, source, evidence, rekeyed, kind, crl_number;
};

const char *entry_type_name(enum entry_type type); /* "reserved"; "?" if it is none */

/* Writes the entry as CBOR. ERR_INVALID names the field that breaks its limit. */
MUST_CHECK bool entry_encode(const struct entry *entry, uint8_t *data, size_t size, size_t *ret_len,
			     struct err *e);
MUST_CHECK bool entry_decode(struct bytes data, struct entry *ret_entry, struct err *e);

/* Calls back for each field of the entry's type, in order, for exports: text, bytes or number. */
enum entry_field_kind { FIELD_TEXT, FIELD_BYTES, FIELD_NUMBER };
void entry_fields(const struct entry *entry,
		  void (*field)(void *context, const char *name, enum entry_field_kind kind,
				struct bytes value, uint64_t number),
		  void *context);

#endif
