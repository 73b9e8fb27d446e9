#include "hsm/ledger/schema.h"

const char schema_mark_sql[] = "PRAGMA application_id=" SCHEMA_NUMBER(SCHEMA_APPLICATION_ID);
const char schema_version_sql[] = "PRAGMA user_version=" SCHEMA_NUMBER(SCHEMA_VERSION);

/* State numbers are those of enum state: 1 reserved, 2 issued, 3 installed, 4 void, 5 revoked.
 * Nearly every issuance is installed: the index of states leaves those out and stays small. */
const char schema_sql[] =
	"BEGIN;"
	"CREATE TABLE entries (number INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;"
	"CREATE TRIGGER entries_stay BEFORE DELETE ON entries BEGIN"
	" SELECT RAISE(ABORT, 'entries are never deleted'); END;"
	"CREATE TRIGGER entries_are_fixed BEFORE UPDATE ON entries BEGIN"
	" SELECT RAISE(ABORT, 'entries are never changed'); END;"
	"CREATE TABLE tree (one INTEGER PRIMARY KEY CHECK (one = 1), ledger_id BLOB NOT NULL,"
	" epoch INTEGER NOT NULL, size INTEGER NOT NULL, frontier BLOB NOT NULL,"
	" time_s INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;"
	"CREATE TABLE latest (type INTEGER PRIMARY KEY, number INTEGER NOT NULL) STRICT;"
	"CREATE TABLE orders (id TEXT PRIMARY KEY, product TEXT NOT NULL, opened_by TEXT NOT NULL,"
	" pattern TEXT NOT NULL, units INTEGER NOT NULL, state INTEGER NOT NULL,"
	" in_use INTEGER NOT NULL, quantity INTEGER NOT NULL, used INTEGER NOT NULL"
	" CHECK (used BETWEEN 0 AND quantity), listed INTEGER NOT NULL,"
	" installed INTEGER NOT NULL, opened_at INTEGER NOT NULL, until INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"CREATE UNIQUE INDEX orders_in_use ON orders (in_use) WHERE in_use = 1;"
	"CREATE TABLE order_units (order_id TEXT NOT NULL REFERENCES orders, unit TEXT NOT NULL,"
	" PRIMARY KEY (order_id, unit)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE issuances (id INTEGER PRIMARY KEY, issued_entry INTEGER NOT NULL,"
	" state INTEGER NOT NULL, evidence INTEGER NOT NULL, unit_source INTEGER NOT NULL,"
	" rekeyed INTEGER NOT NULL, order_id TEXT NOT NULL REFERENCES orders,"
	" product TEXT NOT NULL, unit TEXT NOT NULL, nest TEXT NOT NULL, operator TEXT NOT NULL,"
	" reason TEXT NOT NULL, serial BLOB NOT NULL, certificate_id BLOB,"
	" key_sha256 BLOB NOT NULL, ca_id BLOB NOT NULL, reserved_at INTEGER NOT NULL,"
	" issued_at INTEGER NOT NULL, installed_at INTEGER NOT NULL, ended_at INTEGER NOT NULL)"
	" STRICT;"
	"CREATE UNIQUE INDEX issuances_serial ON issuances (serial);"
	"CREATE INDEX issuances_unit ON issuances (unit);"
	"CREATE INDEX issuances_key ON issuances (key_sha256);"
	"CREATE UNIQUE INDEX issuances_certificate ON issuances (certificate_id)"
	" WHERE certificate_id IS NOT NULL;"
	"CREATE INDEX issuances_state ON issuances (state, id) WHERE state <> 3;"
	"CREATE TABLE alarms (kind INTEGER NOT NULL, unit TEXT NOT NULL, other_unit TEXT NOT NULL,"
	" entry INTEGER NOT NULL, PRIMARY KEY (kind, unit, other_unit)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE alarm_repeats (kind INTEGER NOT NULL, unit TEXT NOT NULL,"
	" other_unit TEXT NOT NULL, count INTEGER NOT NULL,"
	" PRIMARY KEY (kind, unit, other_unit)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE crls (ca_id BLOB PRIMARY KEY, number INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"COMMIT;";

const char schema_clear_sql[] =
	"DELETE FROM issuances; DELETE FROM order_units; DELETE FROM orders;"
	"DELETE FROM alarms; DELETE FROM crls;";
