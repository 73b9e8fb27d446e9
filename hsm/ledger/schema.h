/* schema: the tables of the ledger's file. The entries are the truth; tree, latest, orders,
 * order_units, issuances, alarms and crls are derived from them, alarm_repeats is a mere counter.
 * Private to this folder. */
#ifndef HSM_LEDGER_SCHEMA_H
#define HSM_LEDGER_SCHEMA_H

/* A constant as SQL text. */
#define SCHEMA_TEXT_OF(x) #x
#define SCHEMA_NUMBER(x) SCHEMA_TEXT_OF(x)

#define SCHEMA_APPLICATION_ID 0x696d7072 /* "impr" */
#define SCHEMA_VERSION 1

/* The columns of struct order and struct issuance, in the order in which lookup.c reads them. */
#define SCHEMA_ORDER_COLUMNS                                                                       \
	"id, product, opened_by, pattern, units, state, in_use, quantity, used, listed, "          \
	"installed, opened_at, until"
#define SCHEMA_ISSUANCE_COLUMNS                                                                    \
	"id, issued_entry, state, evidence, unit_source, rekeyed, order_id, product, unit, nest, " \
	"operator, reason, serial, certificate_id, key_sha256, ca_id, reserved_at, issued_at, "    \
	"installed_at, ended_at"

extern const char schema_mark_sql[], schema_version_sql[];
extern const char schema_sql[];	      /* the tables, in a transaction */
extern const char schema_clear_sql[]; /* empties what is derived, but tree and latest */

#endif
