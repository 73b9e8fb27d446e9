#include "station/control/tally.h"

#include <stdio.h>

#define SLOTS (2 * TALLY_UNITS) /* a power of two, never more than half full */
#define FNV_BASIS UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)
#define HOUR_S 3600
#define DAY_S 86400

struct unit {
	uint64_t key; /* 0: this slot is free */
	uint32_t order;
	uint16_t shift; /* of its last counted run: see struct tally */
	bool tried : 1, bad : 1;
	uint8_t fails;
};

/* The units of two generations: when the newer one is full, the older one goes. */
struct generation {
	struct unit units[SLOTS];
	size_t count;
};

struct recent {
	uint64_t key, retests;
	int64_t started_at, ended_at;
	uint16_t shift;
	bool is_first, first_pass, bad; /* its first counted run is among these */
};

struct lot {
	char order[CONTROL_NAME_MAX + 1];
	struct control_tally counts;
};

struct tally {
	struct generation generations[2];
	size_t newer;
	int64_t shift_began;
	uint16_t shift; /* rises with each shift */
	struct control_tally shift_counts;
	struct lot lots[TALLY_ORDERS]; /* the newest first */
	size_t lot_count;
	struct recent recent[TALLY_LAST]; /* the oldest first */
	size_t recent_count;
};

_Static_assert((SLOTS & (SLOTS - 1)) == 0, "a hash is cut to a slot by a mask");

bool tally_new(struct tally **ret_tally, struct err *e)
{
	*ret_tally = calloc(1, sizeof(**ret_tally));
	return *ret_tally || err_set(e, ERR_SYSTEM, "no memory for the counters");
}

void tally_free(struct tally *tally)
{
	free(tally);
}

/* --- units --- */

static uint64_t hash(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * FNV_PRIME;
	return (h ^ 0xff) * FNV_PRIME; /* no character of a name */
}

uint64_t tally_key(const char *first, const char *second)
{
	uint64_t key = hash(hash(FNV_BASIS, first), second);

	return key ? key : 1;
}

static struct unit *slot_of(const struct generation *g, uint64_t key)
{
	size_t i = key & (SLOTS - 1);

	while (g->units[i].key && g->units[i].key != key)
		i = (i + 1) & (SLOTS - 1);
	return (struct unit *)&g->units[i];
}

/* NULL if it is not remembered. */
static const struct unit *find(const struct tally *t, uint64_t key)
{
	for (size_t i = 0; i < 2; i++) {
		const struct unit *unit = slot_of(&t->generations[t->newer ^ i], key);

		if (unit->key)
			return unit;
	}
	return NULL;
}

/* The unit in the newer generation: as it is remembered, or new. */
static struct unit *take(struct tally *t, uint64_t key)
{
	const struct unit *known = find(t, key);
	struct unit copy = known ? *known : (struct unit) { .key = key };
	struct generation *g = &t->generations[t->newer];
	struct unit *slot = slot_of(g, key);

	if (slot->key)
		return slot;
	if (g->count == TALLY_UNITS) {
		t->newer ^= 1;
		g = &t->generations[t->newer];
		memset(g, 0, sizeof(*g));
		slot = slot_of(g, key);
	}
	g->count++;
	*slot = copy;
	return slot;
}

/* The board that has just said its name may have failed in this nest before it could. */
static struct unit *take_unit(struct tally *t, const struct tally_run *run)
{
	uint64_t nameless_key = tally_key(run->nest, ""), key = tally_key("", run->unit);
	struct unit *unit = take(t, *run->unit ? key : nameless_key);
	const struct unit *nameless = find(t, nameless_key);
	struct unit copy;

	if (!*run->unit || !nameless || !nameless->tried)
		return unit;
	copy = *nameless;
	*take(t, nameless_key) = (struct unit) { .key = nameless_key };
	unit = take(t, key); /* the slots may have moved */
	if (unit->tried)
		return unit;
	for (size_t i = 0; i < t->recent_count; i++)
		if (t->recent[i].key == nameless_key)
			t->recent[i].key = key;
	*unit = copy;
	unit->key = key;
	return unit;
}

/* --- counting --- */

/* One counted run of a unit that has been in this stretch before (`again`) or not, and that was
 * tried before it or not. */
static void count(struct control_tally *c, bool again, bool was_bad, bool tried, bool passed)
{
	if (again && was_bad)
		c->bad--;
	else if (again)
		c->good--;
	if (passed)
		c->good++;
	else
		c->bad++;
	if (tried)
		c->retests++;
	else
		c->tried++;
	if (!tried && passed)
		c->first_pass++;
}

static struct control_tally *lot_of(struct tally *t, const char *order)
{
	struct lot lot = { 0 };
	size_t i = 0;

	while (i < t->lot_count && strcmp(t->lots[i].order, order) != 0)
		i++;
	if (i < t->lot_count)
		lot = t->lots[i];
	else if (t->lot_count < TALLY_ORDERS)
		t->lot_count++;
	else
		i--; /* the one that was counted longest ago goes */
	memmove(&t->lots[1], &t->lots[0], i * sizeof(lot));
	snprintf(lot.order, sizeof(lot.order), "%s", order);
	t->lots[0] = lot;
	return &t->lots[0].counts;
}

static void count_recent(struct tally *t, uint64_t key, const struct tally_run *run, bool tried)
{
	bool bad = run->outcome == OUTCOME_FAIL;
	struct recent entry = { .key = key,
				.started_at = run->started_at,
				.is_first = !tried,
				.first_pass = !tried && !bad };
	size_t i = 0;

	while (i < t->recent_count && t->recent[i].key != key)
		i++;
	if (i < t->recent_count)
		entry = t->recent[i];
	else if (t->recent_count == TALLY_LAST)
		i = 0;
	else
		t->recent_count++;
	memmove(&t->recent[i], &t->recent[i + 1], (t->recent_count - i - 1) * sizeof(t->recent[0]));
	entry.retests += tried;
	entry.bad = bad;
	entry.ended_at = run->ended_at;
	entry.shift = t->shift;
	t->recent[t->recent_count - 1] = entry;
}

/* A run may end after the next shift began; one of a day before tells that the clock was wrong. */
static void begin_shift(struct tally *t, int64_t began)
{
	if (began <= t->shift_began && t->shift_began - began < DAY_S)
		return;
	t->shift_began = began;
	t->shift++;
	t->shift_counts = (struct control_tally) { 0 };
}

void tally_add(struct tally *t, const struct tally_run *run)
{
	bool passed = run->outcome == OUTCOME_PASS;
	uint32_t order = (uint32_t)tally_key("", run->order);
	struct unit *unit;
	bool same_order;

	if (run->mode != MODE_NORMAL || (!passed && run->outcome != OUTCOME_FAIL))
		return;
	begin_shift(t, run->shift);
	unit = take_unit(t, run);
	same_order = unit->tried && unit->order == order;
	count(&t->shift_counts, unit->tried && unit->shift == t->shift, unit->bad, unit->tried,
	      passed);
	count(lot_of(t, run->order), same_order, unit->bad, same_order, passed);
	count_recent(t, unit->key, run, unit->tried);
	if (passed)
		unit->fails = 0;
	else if (unit->fails < UINT8_MAX)
		unit->fails++;
	unit->order = order;
	unit->shift = t->shift;
	unit->tried = true;
	unit->bad = !passed;
}

/* --- what they came to --- */

struct control_tally tally_shift(const struct tally *t, int64_t shift)
{
	return shift == t->shift_began ? t->shift_counts : (struct control_tally) { 0 };
}

struct control_tally tally_order(const struct tally *t, const char *order)
{
	for (size_t i = 0; i < t->lot_count; i++)
		if (strcmp(t->lots[i].order, order) == 0)
			return t->lots[i].counts;
	return (struct control_tally) { 0 };
}

static uint64_t units_per_hour(const struct tally *t)
{
	const struct recent *newest = t->recent + t->recent_count - 1;
	int64_t first = INT64_MAX, last = 0;
	uint64_t units = 0;

	for (size_t i = 0; i < t->recent_count; i++) {
		const struct recent *r = &t->recent[i];

		if (r->shift != newest->shift)
			continue;
		units++;
		first = r->started_at < first ? r->started_at : first;
		last = r->ended_at > last ? r->ended_at : last;
	}
	if (units == 0 || last - first < TALLY_UPH_SPAN_S)
		return 0;
	return units * HOUR_S / (uint64_t)(last - first);
}

struct control_tally tally_last(const struct tally *t, uint64_t *ret_uph)
{
	struct control_tally c = { 0 };

	for (size_t i = 0; i < t->recent_count; i++) {
		c.tried += t->recent[i].is_first;
		c.bad += t->recent[i].bad;
		c.first_pass += t->recent[i].first_pass;
		c.retests += t->recent[i].retests;
	}
	c.good = t->recent_count - c.bad;
	*ret_uph = units_per_hour(t);
	return c;
}

unsigned tally_fails(const struct tally *t, const char *unit)
{
	const struct unit *known = find(t, tally_key("", unit));

	return known ? known->fails : 0;
}

void tally_let_off(struct tally *t, const char *unit)
{
	if (tally_fails(t, unit) > 0)
		take(t, tally_key("", unit))->fails = 0;
}
