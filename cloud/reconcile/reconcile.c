#include "cloud/reconcile/reconcile_inside.h"

#include "base/clock.h"
#include "base/hex.h"

#include <inttypes.h>

#define DAY_S 86400
#define TELL_EVERY 4096
#define TELL_MS 500

bool reconcile_new(bool progress, struct reconcile **ret_reconcile, struct err *e)
{
	AUTO(reconcile) r = calloc(1, sizeof(*r));

	if (!r)
		return err_set(e, ERR_SYSTEM, "out of memory");
	r->progress = progress;
	r->summary.now_s = clock_wall_s();
	if (!table_start(&r->table, e))
		return false;
	*ret_reconcile = TAKE(r);
	return true;
}

void reconcile_free(struct reconcile *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->summary.ledger_count; i++)
		source_free(r->sources[i]);
	table_free(&r->table);
	free(r);
}

const struct reconcile_summary *reconcile_summary(const struct reconcile *r)
{
	return &r->summary;
}

void reconcile_tell(struct reconcile *r, const char *of, const char *what)
{
	int64_t now_ms;

	if (!r->progress || ++r->told % TELL_EVERY)
		return;
	now_ms = clock_monotonic_ms();
	if (now_ms - r->told_ms < TELL_MS)
		return;
	r->told_ms = now_ms;
	fprintf(stderr, "\r%s: %s %" PRIu64 "\033[K", of, what, r->told);
}

void reconcile_told(struct reconcile *r)
{
	if (r->told_ms)
		fputs("\r\033[K", stderr);
	r->told_ms = 0;
	r->told = 0;
}

bool reconcile_ca_number(struct reconcile *r, const uint8_t id[static SHA256_LEN], bool add,
			 uint8_t *ret_ca, struct err *e)
{
	struct reconcile_summary *s = &r->summary;
	size_t i = r->last_ca;

	/* Nearly always the one of the entry before. */
	if (i >= s->ca_count || memcmp(s->cas[i].id, id, SHA256_LEN))
		for (i = 0; i < s->ca_count && memcmp(s->cas[i].id, id, SHA256_LEN); i++)
			;
	if (i == s->ca_count && !add)
		return err_set(e, ERR_NOT_FOUND, "no ledger names this CA");
	if (i == RECONCILE_CAS_MAX)
		return err_set(e, ERR_INVALID, "the ledgers name more than %d CAs",
			       RECONCILE_CAS_MAX);
	if (i == s->ca_count)
		memcpy(s->cas[s->ca_count++].id, id, SHA256_LEN);
	r->last_ca = *ret_ca = (uint8_t)i;
	return true;
}

struct reconcile_ledger *reconcile_ledger_of(struct reconcile *r, uint32_t row)
{
	for (size_t i = 0; i < r->summary.ledger_count; i++)
		if (row < r->first_rows[i + 1])
			return &r->summary.ledgers[i];
	return NULL;
}

/* --- the judgement --- */

enum reconcile_class reconcile_class_of(const struct table_row *row)
{
	static const enum reconcile_class of_good[] = {
		[0] = CLASS_UNSEEN,
		[IOT_ACTIVE] = CLASS_ACTIVE,
		[IOT_INACTIVE] = CLASS_INACTIVE,
		[IOT_REVOKED] = CLASS_REVOKED_THERE,
		[IOT_PENDING_TRANSFER] = CLASS_INACTIVE,
		[IOT_REGISTER_INACTIVE] = CLASS_INACTIVE,
		[IOT_PENDING_ACTIVATION] = CLASS_PENDING,
	};

	if (!row->state)
		return CLASS_UNKNOWN;
	if (row->state == STATE_ISSUED || row->state == STATE_INSTALLED)
		return of_good[row->status];
	return row->status == IOT_REVOKED ? CLASS_REVOKED : row->status ? CLASS_LIVE : CLASS_GONE;
}

bool reconcile_ca_closed(const struct reconcile_ca *ca)
{
	return ca->known && ca->unseen && !(ca->active && ca->auto_registration);
}

static size_t age_of(int64_t seconds)
{
	size_t age = 0;

	while (age < RECONCILE_AGES - 1 && seconds > (int64_t)reconcile_age_days[age] * DAY_S)
		age++;
	return age;
}

/* ledger NULL: no ledger's. */
static void count(struct reconcile_summary *s, struct reconcile_ledger *ledger,
		  const struct table_row *row)
{
	enum reconcile_class class = reconcile_class_of(row);

	s->counts[class]++;
	if (!ledger)
		return;
	ledger->certificates++;
	s->cas[row->ca].certificates++;
	if (row->status)
		s->cas[row->ca].left_out = false;
	if (class != CLASS_UNSEEN)
		return;
	s->cas[row->ca].unseen++;
	s->unseen_by_age[age_of(s->now_s - row->issued_s)]++;
}

static enum reconcile_verdict verdict(const struct reconcile_summary *s)
{
	uint64_t differences = s->cas_closed + s->other_keys;

	for (enum reconcile_class c = 0; c < CLASS_COUNT; c++)
		differences += reconcile_class_differs(c) ? s->counts[c] : 0;
	return s->counts[CLASS_UNKNOWN] ? RECONCILE_ALARM
	       : differences		? RECONCILE_DIFFERENCES
					: RECONCILE_CLEAN;
}

void reconcile_judge(struct reconcile *r)
{
	struct reconcile_summary *s = &r->summary;

	table_sort(&r->table, r->first_rows[s->ledger_count]);
	for (size_t i = 0; i < s->ca_count; i++)
		s->cas[i].left_out = !r->asked;
	for (uint32_t i = 0; i < r->table.count; i++)
		if (r->table.rows[i].entered)
			count(s, reconcile_ledger_of(r, i), &r->table.rows[i]);
	s->counts[CLASS_UNKNOWN] += r->unknown_dropped;
	for (size_t i = 0; i < s->ca_count; i++) {
		s->cas[i].left_out &= s->cas[i].certificates > 0;
		s->cas_closed += reconcile_ca_closed(&s->cas[i]);
	}
	s->verdict = verdict(s);
}
