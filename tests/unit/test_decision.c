/* decision: every combination of facts against a model that asks in another way: not "which row refuses
 * first", but "what would have to be true for this verdict". */
#include "cloud/rehearsal/broker/decision.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define FLAGS 11
#define NOW_S 1000

static struct facts facts_of(enum standing standing, unsigned flags, int when)
{
	return (struct facts) {
		.standing = standing,
		.leaf_is_ca = flags & 1,
		.ca_known = flags & 2,
		.weak = flags & 4,
		.ca = { .signed_leaf = flags & 8,
			.sent = flags & 16,
			.active = flags & 32,
			.auto_registration = flags & 64,
			.sni_only = flags & 128 },
		.chain_required = flags & 256,
		.sni = flags & 512,
		.sni_only = flags & 1024,
		.now_s = NOW_S,
		.not_before_s = when < 0 ? NOW_S + 1 : 0,
		.not_after_s = when > 0 ? NOW_S - 1 : 2 * NOW_S,
	};
}

/* What holds for an unknown certificate, each condition with all that comes before it. */
static bool may_be(enum verdict verdict, const struct facts *f)
{
	bool first = !f->leaf_is_ca, named = first && f->ca_known, sound = named && !f->weak;
	bool issued = sound && f->ca.signed_leaf,
	     shown = issued && (f->ca.sent || !f->chain_required);
	bool active = shown && f->ca.active, enabled = active && f->ca.auto_registration;
	bool reached = enabled && (f->sni || !f->ca.sni_only);
	bool early = f->now_s<f->not_before_s, late = f->now_s> f->not_after_s;

	switch (verdict) {
	case VERDICT_WRONG_ORDER:
		return !first;
	case VERDICT_CA_UNKNOWN:
		return first && !named;
	case VERDICT_WEAK:
		return named && !sound;
	case VERDICT_NOT_SIGNED:
		return sound && !issued;
	case VERDICT_CA_NOT_SENT:
		return issued && !shown;
	case VERDICT_CA_INACTIVE:
		return shown && !active;
	case VERDICT_AUTO_REGISTRATION_OFF:
		return active && !enabled;
	case VERDICT_NO_SNI:
		return enabled && !reached;
	case VERDICT_NOT_YET_VALID:
		return reached && early;
	case VERDICT_EXPIRED:
		return reached && !early && late;
	case VERDICT_NEW:
		return reached && !early && !late;
	default:
		return false;
	}
}

static void every_unknown_has_the_one_verdict_of_the_model(void **state)
{
	size_t seen[VERDICT_COUNT] = { 0 };

	(void)state;
	for (unsigned flags = 0; flags < 1u << FLAGS; flags++)
		for (int when = -1; when <= 1; when++) {
			struct facts f = facts_of(STANDING_UNKNOWN, flags, when);
			enum verdict verdict = decision_of(&f);
			unsigned possible = 0;

			for (int one = 0; one < VERDICT_COUNT; one++)
				possible += may_be((enum verdict)one, &f);
			assert_int_equal(possible, 1);
			if (!may_be(verdict, &f))
				fail_msg("flags %x, time %d: %s", flags, when,
					 decision_phrase(verdict));
			seen[verdict]++;
		}
	for (int one = VERDICT_WRONG_ORDER; one <= VERDICT_NEW; one++)
		assert_true(seen[one] > 0);
}

static void a_registered_one_is_judged_by_its_status(void **state)
{
	static const struct {
		const char *status;
		enum verdict verdict;
	} rows[] = {
		{ "ACTIVE", VERDICT_ACCEPTED },		  { "PENDING_ACTIVATION", VERDICT_PENDING },
		{ "INACTIVE", VERDICT_INACTIVE },	  { "REVOKED", VERDICT_REVOKED },
		{ "PENDING_TRANSFER", VERDICT_INACTIVE }, { "REGISTER_INACTIVE", VERDICT_INACTIVE },
		{ "active", VERDICT_INACTIVE },		  { "", VERDICT_INACTIVE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned flags = 0; flags < 1u << FLAGS; flags++)
			for (int when = -1; when <= 1; when++) {
				struct facts f =
					facts_of(decision_standing(rows[i].status), flags, when);

				assert_int_equal(decision_of(&f), f.sni_only && !f.sni
									  ? VERDICT_NO_SNI
									  : rows[i].verdict);
			}
}

static void only_what_writes_waits_for_the_proof(void **state)
{
	(void)state;
	for (int one = 0; one < VERDICT_COUNT; one++)
		assert_int_equal(decision_needs_proof((enum verdict)one),
				 one == VERDICT_NEW || one == VERDICT_PENDING);
}

static void of_several_cas_the_fittest_counts(void **state)
{
	static const struct ca_facts order[] = {
		{ 0 },
		{ .active = true, .auto_registration = true },
		{ .sent = true, .active = true, .auto_registration = true, .sni_only = true },
		{ .signed_leaf = true },
		{ .signed_leaf = true, .active = true },
		{ .signed_leaf = true, .active = true, .auto_registration = true },
		{ .signed_leaf = true, .sent = true },
		{ .signed_leaf = true, .sent = true, .active = true, .auto_registration = true },
	};

	(void)state;
	for (size_t i = 1; i < sizeof(order) / sizeof(order[0]); i++)
		assert_true(decision_rank(&order[i]) > decision_rank(&order[i - 1]));
}

static void every_verdict_has_its_own_words(void **state)
{
	(void)state;
	for (int one = 0; one < VERDICT_COUNT; one++) {
		assert_non_null(decision_phrase((enum verdict)one));
		assert_non_null(decision_advice((enum verdict)one));
		for (int other = 0; other < one; other++)
			assert_string_not_equal(decision_phrase((enum verdict)one),
						decision_phrase((enum verdict)other));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_unknown_has_the_one_verdict_of_the_model),
		cmocka_unit_test(a_registered_one_is_judged_by_its_status),
		cmocka_unit_test(only_what_writes_waits_for_the_proof),
		cmocka_unit_test(of_several_cas_the_fittest_counts),
		cmocka_unit_test(every_verdict_has_its_own_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
