/* reconcile_inside: what the files of reconcile share. Private to them. */
#ifndef CLOUD_RECONCILE_RECONCILE_INSIDE_H
#define CLOUD_RECONCILE_RECONCILE_INSIDE_H

#include "cloud/reconcile/reconcile.h"
#include "cloud/reconcile/table.h"

struct reconcile {
	struct reconcile_summary summary;
	struct source *sources[RECONCILE_LEDGERS_MAX];
	uint32_t
		first_rows[RECONCILE_LEDGERS_MAX + 1]; /* of each ledger, and of the unknown ones */
	struct table table;
	uint64_t unknown_dropped; /* counted only */
	bool asked;		  /* AWS itself, for every CA */
	uint8_t last_ca;
	bool progress;
	int64_t told_ms;
	uint64_t told;
};

/* Seconds since 1970 as a row keeps them: until 2106. */
static inline uint32_t reconcile_seconds(int64_t time_s)
{
	return time_s < 0 ? 0 : time_s > UINT32_MAX ? UINT32_MAX : (uint32_t)time_s;
}

/* The CA's number; it is made known, if `add`. ERR_NOT_FOUND, ERR_INVALID too many. */
MUST_CHECK bool reconcile_ca_number(struct reconcile *r, const uint8_t id[static SHA256_LEN],
				    bool add, uint8_t *ret_ca, struct err *e);
/* NULL: no ledger's. */
struct reconcile_ledger *reconcile_ledger_of(struct reconcile *r, uint32_t row);
/* A station goes on while AWS is asked, which may take long: what it issued since its ledger was read,
 * and AWS lists, is no stranger, and is left out. */
MUST_CHECK bool reconcile_look_again(struct reconcile *r, struct err *e);
enum reconcile_class reconcile_class_of(const struct table_row *row);
/* One more of something; shown once a second. reconcile_told: no more of it. */
void reconcile_tell(struct reconcile *r, const char *of, const char *what);
void reconcile_told(struct reconcile *r);

#endif
