/* ledger: the entries, their Merkle tree and the tables of the present state, in one SQLite file.
 * WAL, synchronous=FULL, one writer: the signer's loop owns the ledger; nothing else opens it for
 * writing (a lock beside the file, held while it is open: ERR_BUSY). Entries are append-only. Every
 * change is an entry; the tables of the present state (orders, units of orders, issuances, alarms)
 * are derived from it by one function, in the same transaction, and ledger_rebuild makes them anew.
 * Look-ups see the rows of the transaction under way. Any SQL error is ERR_SYSTEM and spoils the
 * transaction under way: only a rollback is left. After a failed commit the handle is dead
 * (ERR_SYSTEM from every function): what is on disk is unknown until it is opened again, so the
 * caller ends the process. ERR_CORRUPT: the file is not what we wrote. Threads: one. Layer above:
 * rules, backup, signer. Below: entry, merkle, SQLite. */
#ifndef HSM_LEDGER_LEDGER_H
#define HSM_LEDGER_LEDGER_H

#include "base/cleanup.h"
#include "hsm/api/head.h"

struct ledger;

/* Makes a new file, durable with its name; its ledger id is random. ERR_REFUSED if there is one.
 * ledger_open: ERR_NOT_FOUND if there is none. */
MUST_CHECK bool ledger_create(const char *path, struct err *e);
MUST_CHECK bool ledger_open(const char *path, struct ledger **ret_ledger, struct err *e);
/* Takes the lock alone, of a ledger that may be damaged or gone; nothing on the disk changes. If it
 * is readable, ledger_head says where it stands; nothing else may be asked of it. */
MUST_CHECK bool ledger_hold(const char *path, struct ledger **ret_ledger, bool *ret_readable,
			    struct err *e);
void ledger_close(struct ledger *l);
AUTO_DEFINE(ledger, struct ledger *, ledger_close)

/* One transaction at a time. ledger_commit returns when it is durable. */
MUST_CHECK bool ledger_begin(struct ledger *l, struct err *e);
MUST_CHECK bool ledger_commit(struct ledger *l, struct err *e);
void ledger_rollback(struct ledger *l);
bool ledger_in_transaction(const struct ledger *l);

/* Appends an entry: ledger id, epoch and number are filled in, time_s is the caller's (not before
 * the last entry's, but for ENTRY_TIME_ACCEPTED). An ENTRY_LEDGER begins a new epoch: the next, or
 * the one it has, if that is higher. Checks that
 * the move is one that the life of a certificate allows (ERR_REFUSED otherwise, ERR_INVALID for a
 * field out of its limits: nothing has changed then and the transaction may go on) and updates the
 * tables. */
MUST_CHECK bool ledger_append(struct ledger *l, struct entry *entry, struct err *e);

/* Where the ledger stands, with the transaction under way: everything of a head but key and
 * signature; the time is the last entry's. */
void ledger_head(const struct ledger *l, struct head *ret_head);
int64_t ledger_last_time(const struct ledger *l);

/* Holds the last entries, at most 255, against the tree: ERR_CORRUPT. ledger_open looks at the very
 * last one only; `imprint ledger verify` at all. */
MUST_CHECK bool ledger_check_end(struct ledger *l, struct err *e);

/* The latest entry of a type (ENTRY_LEDGER, ENTRY_CA, ENTRY_CA_KEY): its bytes, to be freed, for
 * entry_decode. ERR_NOT_FOUND. */
MUST_CHECK bool ledger_latest(struct ledger *l, enum entry_type type, uint8_t **ret_data,
			      size_t *ret_len, struct err *e);
MUST_CHECK bool ledger_entry(struct ledger *l, uint64_t number, uint8_t **ret_data, size_t *ret_len,
			     struct err *e);

/* Orders. ERR_NOT_FOUND. */
MUST_CHECK bool ledger_order(struct ledger *l, const char *id, struct order *ret_order,
			     struct err *e);
MUST_CHECK bool ledger_order_in_use(struct ledger *l, struct order *ret_order, struct err *e);
/* Is the unit one of the order's: any, by its pattern, or on its list? */
MUST_CHECK bool ledger_order_takes(struct ledger *l, const struct order *order, const char *unit,
				   bool *ret_takes, struct err *e);
/* The first unit id on the order's list (in byte order) that no certificate was ever issued to and
 * none is being made for. It goes on where it was last, and only then looks at those before it.
 * ERR_NOT_FOUND. */
MUST_CHECK bool ledger_order_next_unit(struct ledger *l, const char *id,
				       char ret_unit[static NAME_MAX_LEN + 1], struct err *e);
/* Orders by id > after (in byte order), at most `room`. */
MUST_CHECK bool ledger_orders(struct ledger *l, const char *after, struct order *ret_orders,
			      size_t room, size_t *ret_count, struct err *e);

/* Issuances. ERR_NOT_FOUND. By unit and by key: the latest that is not void; if all are void, the
 * latest. */
MUST_CHECK bool ledger_issuance(struct ledger *l, uint64_t id, struct issuance *ret_issuance,
				struct err *e);
MUST_CHECK bool ledger_by_unit(struct ledger *l, const char *unit, struct issuance *ret_issuance,
			       struct err *e);
MUST_CHECK bool ledger_by_key(struct ledger *l, const uint8_t key_sha256[static SHA256_LEN],
			      struct issuance *ret_issuance, struct err *e);
/* The latest issuance that gave this key to another unit (to any, if `unit` is ""): one that was
 * issued once, or is reserved now; void and revoked ones too. */
MUST_CHECK bool ledger_key_elsewhere(struct ledger *l, const uint8_t key_sha256[static SHA256_LEN],
				     const char *unit, struct issuance *ret_issuance,
				     struct err *e);
/* The latest revoked issuance of this key. */
MUST_CHECK bool ledger_key_revoked(struct ledger *l, const uint8_t key_sha256[static SHA256_LEN],
				   struct issuance *ret_issuance, struct err *e);
MUST_CHECK bool ledger_by_certificate(struct ledger *l, const uint8_t id[static SHA256_LEN],
				      struct issuance *ret_issuance, struct err *e);
MUST_CHECK bool ledger_by_serial(struct ledger *l, struct bytes serial,
				 struct issuance *ret_issuance, struct err *e);
/* How many issuances of the unit were voided by the rekey rule. */
MUST_CHECK bool ledger_rekeys(struct ledger *l, const char *unit, uint32_t *ret_count,
			      struct err *e);
/* Issuances with id > after that match: order and unit "" match all; state 0 matches all; since:
 * issued at or after. */
struct issuance_filter {
	char order[NAME_MAX_LEN + 1];
	char unit[NAME_MAX_LEN + 1];
	enum state state;
	int64_t since;
};
MUST_CHECK bool ledger_issuances(struct ledger *l, uint64_t after,
				 const struct issuance_filter *filter, struct issuance *ret_rows,
				 size_t room, size_t *ret_count, struct err *e);
/* The certificate of an issuance, DER, CERTIFICATE_MAX long at most. ERR_NOT_FOUND before issued.
 */
MUST_CHECK bool ledger_certificate(struct ledger *l, const struct issuance *issuance,
				   uint8_t *ret_der, size_t *ret_len, struct err *e);
/* Raw entries from `number` on, each as u32 length and bytes, as many as fit into size; *ret_next
 * is the number to go on with, 0 at the end. For pages of an export. */
MUST_CHECK bool ledger_entries(struct ledger *l, uint64_t number, uint8_t *ret_data, size_t size,
			       size_t *ret_len, uint64_t *ret_next, struct err *e);

/* True until the pair has its ENTRY_ALARM; from then on counts the repeats. In a transaction. */
MUST_CHECK bool ledger_alarm_is_new(struct ledger *l, uint64_t kind, const char *unit,
				    const char *other_unit, bool *ret_new, struct err *e);
MUST_CHECK bool ledger_crl_number(struct ledger *l, const uint8_t ca_id[static SHA256_LEN],
				  uint64_t *ret_last, struct err *e);

/* Drops and remakes the tables of the present state from the entries, in one transaction. */
MUST_CHECK bool ledger_rebuild(struct ledger *l, struct err *e);

#endif
