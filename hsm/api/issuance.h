/* issuance: the life of one certificate, as the ledger knows it and as others may see it.
 *	reserved -> issued | void	issued -> installed | void	installed -> revoked
 * A void one and a revoked one that had been issued keep their place in the order's quantity; one
 * that never was issued, or was voided by the rekey rule, gives it back. Times are seconds since
 * 1970 UTC, 0 = not yet. Texts are UTF-8 without control characters. Threads: any. Layer above:
 * ledger, signer, command. Below: message. */
#ifndef HSM_API_ISSUANCE_H
#define HSM_API_ISSUANCE_H

#include "base/message.h"

#define NAME_MAX_LEN 64 /* order, product, unit, operator: characters */
#define NEST_MAX_LEN 16
#define REASON_MAX_LEN 256
#define PATTERN_MAX_LEN 256
#define SERIAL_MAX 20 /* octets of a certificate serial, RFC 5280 4.1.2.2 */
#define CERTIFICATE_MAX 8192
#define SHA256_LEN 32

enum state { STATE_RESERVED = 1, STATE_ISSUED, STATE_INSTALLED, STATE_VOID, STATE_REVOKED };
enum evidence { EVIDENCE_NONE, EVIDENCE_DIGEST, EVIDENCE_READ_BACK, EVIDENCE_SIGNED };
enum unit_source { SOURCE_BOARD = 1, SOURCE_FILE, SOURCE_LABEL, SOURCE_LIST };

struct issuance {
	uint64_t id;	       /* the number of its reserved entry */
	uint64_t issued_entry; /* number of the entry that holds the certificate, 0 = none */
	enum state state;
	enum evidence evidence;
	enum unit_source unit_source;
	bool rekeyed; /* voided by the rule rekey: before_installed: its quota came back */
	char order[NAME_MAX_LEN + 1];
	char product[NAME_MAX_LEN + 1];
	char unit[NAME_MAX_LEN + 1];
	char nest[NEST_MAX_LEN + 1];
	char operator[NAME_MAX_LEN + 1];
	char reason[REASON_MAX_LEN + 1]; /* of void or revoke */
	uint8_t serial[SERIAL_MAX];
	uint8_t serial_len;
	uint8_t certificate_id[SHA256_LEN]; /* zeros before issued */
	uint8_t key_sha256[SHA256_LEN];	    /* of the SPKI's DER */
	uint8_t ca_id[SHA256_LEN];	    /* SHA-256 of the CA certificate's DER */
	int64_t reserved_at, issued_at, installed_at, ended_at;
};

enum order_state { ORDER_OPEN = 1, ORDER_CLOSED };
enum order_units { UNITS_ANY, UNITS_PATTERN, UNITS_LIST };

struct order {
	char id[NAME_MAX_LEN + 1];
	char product[NAME_MAX_LEN + 1];
	char opened_by[NAME_MAX_LEN + 1];
	char pattern[PATTERN_MAX_LEN + 1]; /* UNITS_PATTERN: POSIX extended, matched whole */
	enum order_units units;
	enum order_state state;
	bool in_use;
	uint32_t quantity, used;  /* used: reservations that still count */
	uint32_t listed;	  /* unit ids on its list; UNITS_LIST */
	uint32_t installed;	  /* that ever were, revoked ones too */
	int64_t opened_at, until; /* until 0 = no end */
};

/* The table of moves: true if an issuance may go from one state to the other. */
bool state_may_follow(enum state from, enum state to);

const char *state_name(enum state state);	   /* "reserved", … */
const char *evidence_name(enum evidence evidence); /* "", "digest", "read-back", "signed" */
const char *unit_source_name(enum unit_source source);

/* A reader that meets a value out of its range goes bad. */
void issuance_write(struct writer *w, const struct issuance *issuance);
void issuance_read(struct reader *r, struct issuance *ret_issuance);
void order_write(struct writer *w, const struct order *order);
void order_read(struct reader *r, struct order *ret_order);

#endif
