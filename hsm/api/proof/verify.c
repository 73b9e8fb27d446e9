#include "hsm/api/proof/verify.h"

#include "hsm/api/proof/chain.h"
#include "hsm/api/proof/replay.h"

#include <inttypes.h>

struct verify {
	struct chain chain;
	struct replay *replay;
	struct verify_counts counts;
};

bool verify_new(struct verify **ret_verify, struct err *e)
{
	AUTO(verify) v = calloc(1, sizeof(*v));

	if (!v)
		return err_set(e, ERR_SYSTEM, "out of memory");
	if (!replay_new(&v->replay, e))
		return false;
	*ret_verify = TAKE(v);
	return true;
}

void verify_free(struct verify *v)
{
	if (!v)
		return;
	replay_free(v->replay);
	chain_free(&v->chain);
	free(v);
}

bool verify_expect(struct verify *v, const struct head *head, struct err *e)
{
	return chain_expect(&v->chain, head, e);
}

static void count(struct verify_counts *counts, enum entry_type type)
{
	counts->entries++;
	counts->reserved += type == ENTRY_RESERVED;
	counts->issued += type == ENTRY_ISSUED;
	counts->installed += type == ENTRY_INSTALLED;
	counts->voided += type == ENTRY_VOID;
	counts->revoked += type == ENTRY_REVOKED;
	counts->alarms += type == ENTRY_ALARM;
	counts->restored += type == ENTRY_RESTORED;
}

static bool check_restored(struct verify *v, const struct entry *entry, struct err *e)
{
	uint64_t missing;

	if (!chain_missing(entry, &missing, e))
		return false;
	v->counts.missing += missing;
	return true;
}

static bool take_entry(struct verify *v, const struct entry *entry, struct err *e)
{
	return chain_check(&v->chain, entry, e) && check_restored(v, entry, e) &&
	       replay_entry(v->replay, entry, e);
}

bool verify_entry(struct verify *v, struct bytes data, struct err *e)
{
	struct entry entry;
	bool decoded = entry_decode(data, &entry, e);

	if (!decoded)
		e->code = ERR_CORRUPT;
	if (!decoded || !take_entry(v, &entry, e))
		return err_add(e, "entry %" PRIu64, v->chain.tree.size + 1);
	count(&v->counts, entry.type);
	return chain_add(&v->chain, &entry, data, e);
}

bool verify_issuance(const struct verify *v, uint64_t id, struct issuance *ret_issuance,
		     struct err *e)
{
	return replay_issuance(v->replay, id, ret_issuance, e);
}

bool verify_end(struct verify *v, const struct head *today, struct verify_counts *ret_counts,
		struct err *e)
{
	if (!chain_end(&v->chain, today, e))
		return false;
	*ret_counts = v->counts;
	return true;
}
