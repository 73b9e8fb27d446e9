#include "station/recipe.h"

#include "base/clock.h"
#include "hsm/api/refusal.h"
#include "station/steps.h"
#include "station/verdict.h"

#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define CSR_TRIES 5 /* of a wire without a checksum */

AUTO_DEFINE(recipe, struct recipe *, free)

struct step {
	const char *label;
	size_t timeout; /* offset in struct station_timeouts; SAME: the rest of the step before */
	step_action *action;
	bool mints; /* or writes: in normal mode alone */
};

#define TIMEOUT(name) offsetof(struct station_timeouts, name)
#define SAME SIZE_MAX

static const struct step steps[] = {
	{ "order", TIMEOUT(certificate_ms), step_order },
	{ "identify", TIMEOUT(identify_ms), step_identify },
	{ "csr", TIMEOUT(csr_ms), step_csr },
	{ "certificate", TIMEOUT(certificate_ms), step_certificate, true },
	{ "install", TIMEOUT(install_ms), step_install, true },
	{ "verify", SAME, step_verify, true },
	{ "prove", TIMEOUT(prove_ms), step_prove, true },
	{ "check unit", TIMEOUT(identify_ms), step_check_unit },
	{ "installed", TIMEOUT(certificate_ms), step_installed, true },
	{ "finish", TIMEOUT(prove_ms), step_finish, true },
};

static size_t step_of(step_action *action)
{
	size_t i = 0;

	while (steps[i].action != action)
		i++;
	return i;
}

/* The signer forgot its nonce (it restarted): the same certificate again, and a new proof. Or the
 * CSR's signature is wrong, and the wire has no checksum: the CSR again. NULL: it is over. */
static step_action *back_to(struct recipe *r, const struct err *e)
{
	if (e->code == REFUSAL_NONCE && !r->again) {
		r->again = true;
		return step_certificate;
	}
	if (e->code == REFUSAL_CSR && r->board && board_is_unchecked(r->board) &&
	    ++r->csr_tries < CSR_TRIES)
		return step_csr;
	return NULL;
}

static bool run_steps(struct recipe *r, struct err *e)
{
	int64_t deadline = 0;

	for (size_t i = 0; i < COUNT(steps); i++) {
		const struct step *step = &steps[i];
		step_action *back;

		if (step->mints && r->in->mode != MODE_NORMAL)
			continue;
		r->run->step = step->label;
		box_step(r->in->box, step->label, i + 1, COUNT(steps));
		if (step->timeout != SAME)
			deadline = clock_deadline(
				*(const unsigned *)((const char *)&r->in->settings->timeouts +
						    step->timeout));
		if (step->action(r, deadline, e))
			continue;
		back = back_to(r, e);
		if (!back)
			return false;
		i = step_of(back) - 1;
	}
	return true;
}

static const char *passed_text(enum control_mode mode, enum evidence evidence)
{
	return mode == MODE_GOLDEN    ? "the golden unit answers as it should; nothing was issued"
	       : mode == MODE_DRY_RUN ? "dry run: the board answers; nothing was issued"
	       : evidence == EVIDENCE_SIGNED	? "installed, proved by the board's signature"
	       : evidence == EVIDENCE_READ_BACK ? "installed, read back and compared"
						: "installed, the board's digest agrees";
}

static void judge(struct run *run, bool done, enum evidence evidence, const struct err *e)
{
	run->outcome = done ? OUTCOME_PASS : verdict_outcome(e->code);
	run->code = done ? "" : verdict_code(e->code);
	control_copy_text(run->text, sizeof(run->text),
			  done ? passed_text(run->mode, evidence) : e->text);
}

static void begin(const struct recipe_input *in, struct run *run)
{
	*run = (struct run) {
		.started_at = clock_wall_s(), .step = "", .code = "", .evidence = ""
	};
	run->mode = in->mode;
	run->shift = station_shift_began(in->settings, run->started_at);
	snprintf(run->nest, sizeof(run->nest), "%s", in->nest->name);
	control_copy_text(run->operator, sizeof(run->operator), in->operator);
}

void recipe_run(const struct recipe_input *in, struct run *ret_run, const char **ret_remedy)
{
	int64_t started_ms = clock_monotonic_ms();
	AUTO(recipe) r = calloc(1, sizeof(*r));
	struct err e = { 0 };
	bool done = false;

	begin(in, ret_run);
	if (r) {
		r->in = in;
		r->run = ret_run;
		r->asker = (struct asker) { -1, in->cancel_fd, r->record };
		done = (!in->runs || runs_under_way(in->runs, ret_run, false, &e)) &&
		       run_steps(r, &e);
		board_close(r->board);
		asker_close(&r->asker);
	} else {
		err_set(&e, ERR_SYSTEM, "no memory for a run");
	}
	judge(ret_run, done, r ? r->evidence : EVIDENCE_NONE, &e);
	*ret_remedy = done ? "" : verdict_remedy(e.code);
	ret_run->ended_at = clock_wall_s();
	ret_run->duration_ms = (uint64_t)(clock_monotonic_ms() - started_ms);
}
