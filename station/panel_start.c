#include "station/panel_part.h"

static bool may_start(const struct panel *p, const struct panel_input *in, uint64_t nests,
		      int64_t asked_ms, enum control_next *ret_next, struct err *e)
{
	const struct jig_image *image = &in->image;
	const struct {
		bool stands;
		enum control_next next;
		int code;
		const char *text;
	} reasons[] = {
		{ p->step == STEP_STOPPED, NEXT_RESET, ERR_REFUSED,
		  "the jig is stopped; mend what imprint status says, then RESET" },
		{ !panel_is_idle(p), NEXT_WAIT, ERR_BUSY, "a cycle runs already" },
		{ !image->fresh, NEXT_JIG, ERR_REFUSED,
		  "the jig does not answer; call the technician" },
		{ !image->automatic, NEXT_JIG, ERR_REFUSED,
		  "the jig's key stands on manual; turn it to automatic" },
		{ !image->air_ok, NEXT_JIG, ERR_REFUSED, "the jig has no air; open its valve" },
		{ !p->present, NEXT_LOAD, ERR_REFUSED,
		  "no nest has a board; put boards in and close the lid" },
		{ !image->lid_closed, NEXT_CLOSE_LID, ERR_REFUSED, "the lid is open; close it" },
		{ asked_ms < p->still_ms, NEXT_START, ERR_REFUSED,
		  "the lid moved after this START; press START again" },
		{ p->start_held_ms && p->start_spent, NEXT_RELEASE_START, ERR_REFUSED,
		  "the start button is down; let go of it" },
		{ !(p->present & nests), NEXT_LOAD, ERR_REFUSED,
		  "no board is in the nests that were named" },
		{ !(p->present & nests & ~in->stopped), NEXT_FREE, ERR_REFUSED,
		  "the nests with a board are stopped; clean their probes and free them" },
		{ !(panel_candidates(p, in) & nests), NEXT_SAME_BOARDS, ERR_REFUSED,
		  "these boards have run; open the lid, re-seat or change them" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (!reasons[i].stands)
			continue;
		*ret_next = reasons[i].next;
		return err_set(e, reasons[i].code, "nothing was started: %s", reasons[i].text);
	}
	return true;
}

static void begin(struct panel *p, uint64_t nests, int64_t now_ms)
{
	panel_forget(p, nests);
	p->nests = nests;
	p->asked = 0;
	p->refused = NEXT_NONE;
	p->text[0] = '\0';
	p->start_spent = true;
	p->began_ms = now_ms;
	panel_enter(p, STEP_CLAMP, now_ms);
}

bool panel_start(struct panel *p, const struct panel_input *in, uint64_t nests, int64_t asked_ms,
		 struct err *e)
{
	enum control_next next;

	if (!may_start(p, in, nests, asked_ms, &next, e))
		return false;
	begin(p, panel_candidates(p, in) & nests, in->now_ms);
	return true;
}

bool panel_start_pressed(struct panel *p, const struct panel_input *in)
{
	bool was_down = p->start_held_ms != 0;
	struct err e;

	if (!in->image.fresh)
		return false;
	if (!in->image.start) {
		p->start_spent = false;
		p->start_held_ms = 0;
		return false;
	}
	if (was_down)
		return false;
	p->start_held_ms = in->now_ms;
	if (panel_is_idle(p) && !p->start_spent) {
		if (may_start(p, in, UINT64_MAX, in->now_ms, &p->refused, &e))
			return true;
		control_copy_text(p->text, sizeof(p->text), e.text);
	}
	p->start_spent = true; /* held on, it does not count later */
	return false;
}

bool panel_reset_pressed(struct panel *p, const struct panel_input *in)
{
	bool was_released = p->reset_released;

	if (!in->image.fresh)
		return false;
	p->reset_released = !in->image.reset;
	return in->image.reset && was_released && p->step == STEP_STOPPED;
}
