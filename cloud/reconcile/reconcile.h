/* reconcile: ledgers against what AWS IoT lists, joined by certificate id.
 *	here (all ledgers)	there (all listings)	class
 *	issued, installed	ACTIVE			active
 *				PENDING_ACTIVATION	pending
 *				INACTIVE, PENDING_TRANSFER, REGISTER_INACTIVE	inactive
 *				REVOKED			revoked-there		a difference
 *				not listed		unseen
 *	void, revoked		REVOKED			revoked
 *				any other		live			a difference
 *				not listed		gone (void or revoked here, never seen there)
 *	no such certificate	any			unknown			the alarm
 * Reserved ones never left the signer: they have no certificate. A CA that is not ACTIVE there, or
 * does not register by itself, is a difference if any of its certificates is unseen. A ledger whose
 * head is signed by another key than before is one, too: it may be forged from there on.
 * Verdict: clean 0, differences 1, alarm 3 = the exit status.
 * About 51 bytes a certificate, whatever its entries weigh; at most RECONCILE_UNKNOWN_MAX unknown
 * ones are kept, the rest is counted. Threads: one. Errors: those of source.h, listing.h
 * and iot.h; ERR_CORRUPT if one certificate id stands in two ledgers, or an older head is no prefix
 * of any. Layer above: reconcile_main, report, fix. Below: source, listing, table, iot. */
#ifndef CLOUD_RECONCILE_RECONCILE_H
#define CLOUD_RECONCILE_RECONCILE_H

#include "cloud/aws/iot.h"
#include "cloud/ledger/source.h"

#define RECONCILE_LEDGERS_MAX 64
#define RECONCILE_CAS_MAX 64
#define RECONCILE_UNKNOWN_MAX 100000
#define RECONCILE_OLD_DAYS 90
#define RECONCILE_HANDFUL 5

enum reconcile_class {
	CLASS_ACTIVE,
	CLASS_PENDING,
	CLASS_INACTIVE,
	CLASS_REVOKED,
	CLASS_LIVE,
	CLASS_REVOKED_THERE,
	CLASS_UNSEEN,
	CLASS_GONE,
	CLASS_UNKNOWN,
	CLASS_COUNT
};

enum reconcile_verdict { RECONCILE_CLEAN = 0, RECONCILE_DIFFERENCES = 1, RECONCILE_ALARM = 3 };

/* How old the unseen are, by issued_at: up to 7, 30, 90, 365 days, and more. */
#define RECONCILE_AGES 5
extern const unsigned reconcile_age_days[RECONCILE_AGES - 1];

struct reconcile_ledger {
	char station[NAME_MAX_LEN + 1];
	const char *path; /* NULL: this station's own */
	uint64_t certificates;
	struct head head;
	const char *head_file; /* the older head that was held against it; NULL: none */
	int64_t head_file_time_s;
	uint64_t missing; /* entries that were lost before a restore */
	bool other_key; /* the head is signed by another key than before: a difference (source.h) */
};

struct reconcile_ca {
	uint8_t id[SHA256_LEN];
	const char *station; /* whose ledger names it first; NULL: none's */
	uint64_t certificates, unseen;
	bool left_out; /* there are files, and none of its certificates in any: cut, or forgotten? */
	bool known;    /* what AWS says of it was given: */
	bool registered, active, auto_registration;
};

struct reconcile_summary {
	int64_t now_s;
	struct reconcile_ledger ledgers[RECONCILE_LEDGERS_MAX];
	size_t ledger_count;
	struct reconcile_ca cas[RECONCILE_CAS_MAX];
	size_t ca_count;
	uint64_t listed;    /* certificates in the listings */
	uint64_t meanwhile; /* listed as well, and issued after this station's ledger was read: left
			       out */
	uint64_t counts[CLASS_COUNT];
	uint64_t unseen_by_age[RECONCILE_AGES];
	uint64_t cas_closed; /* CAs that are a difference */
	uint64_t other_cas;  /* CAs of the account that no ledger names: only if AWS was asked */
	uint8_t other_ca[SHA256_LEN]; /* the first of them */
	uint64_t other_keys;	      /* ledgers that are one by their key */
	const char *foreign; /* a listing of more than RECONCILE_HANDFUL of which nothing is known
				here: another CA's? NULL: none */
	enum reconcile_verdict verdict;
};

/* One certificate, for lists: texts are the ledger's and may hold anything but control characters. */
struct reconcile_row {
	enum reconcile_class class;
	char id[IOT_ID_SIZE];
	char unit[NAME_MAX_LEN + 1], product[NAME_MAX_LEN + 1],
		order[NAME_MAX_LEN + 1]; /* "" if unknown */
	char station[NAME_MAX_LEN + 1];
	char ca_id[IOT_ID_SIZE];
	enum state here;		/* 0: unknown */
	enum iot_status there;		/* 0: not listed */
	int64_t issued_s, registered_s; /* 0: not */
	bool after_head; /* unknown, and registered there after the newest ledger was written: an
			    older export may be the cause */
};

/* An export that no older head was held against: whoever wrote it may have signed all of it. */
bool reconcile_is_unproven(const struct reconcile_ledger *ledger);
/* SHA-256 of the key that signs its head. */
void reconcile_key_hash(const struct reconcile_ledger *ledger, uint8_t ret_hash[static SHA256_LEN]);
const char *reconcile_class_name(enum reconcile_class class);	  /* "revoked-there": json, csv */
const char *reconcile_class_sentence(enum reconcile_class class); /* "registered and active" */
bool reconcile_class_differs(enum reconcile_class class);	  /* live, revoked-there, unknown */
/* A difference: it lets nobody in, and some of its certificates are still to come. */
bool reconcile_ca_closed(const struct reconcile_ca *ca);

struct reconcile;
void reconcile_free(struct reconcile *r);
AUTO_DEFINE(reconcile, struct reconcile *, reconcile_free)

/* The sides, in this order: the ledgers' names, older heads to hold against them, their entries, the
 * listings, the judgement. Paths live as long as `r`. With `progress`, stderr shows how far it is. */
MUST_CHECK bool reconcile_new(bool progress, struct reconcile **ret_reconcile, struct err *e);
/* path NULL: this station's own. Two exports of one ledger are refused. */
MUST_CHECK bool reconcile_ledger(struct reconcile *r, const char *path, struct err *e);
/* The head in that file must be a prefix of one of the ledgers. */
MUST_CHECK bool reconcile_head(struct reconcile *r, const char *path, struct err *e);
MUST_CHECK bool reconcile_read_ledgers(struct reconcile *r, struct err *e);
/* What the aws command printed (listing.h). */
MUST_CHECK bool reconcile_listing(struct reconcile *r, const char *path, struct err *e);
/* The same from AWS IoT itself, for every CA that the ledgers name; and how many others there are. */
MUST_CHECK bool reconcile_aws(struct reconcile *r, struct iot *iot, struct err *e);
void reconcile_judge(struct reconcile *r);

/* After reconcile_judge. */
const struct reconcile_summary *reconcile_summary(const struct reconcile *r);

/* The certificates of the classes in `classes` (bit 1 << class), ledger by ledger in the order of
 * their entries, unknown ones last by id: a second pass over the ledgers, for the words. */
typedef bool (*reconcile_each)(void *context, const struct reconcile_row *row, struct err *e);
MUST_CHECK bool reconcile_rows(struct reconcile *r, unsigned classes, reconcile_each each,
			       void *context, struct err *e);

#endif
