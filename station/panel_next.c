#include "station/panel_part.h"

static enum control_next next_unload(const struct panel *p, const struct panel_input *in,
				     uint64_t can_run, uint64_t *ret_nests)
{
	uint64_t failed = p->marked & p->ran, again = failed & in->retest & ~in->stopped;

	if (can_run && in->image.lid_closed)
		return *ret_nests = can_run, NEXT_START;
	if (again)
		return *ret_nests = again, NEXT_RESEAT;
	if (failed)
		return *ret_nests = failed, NEXT_UNLOAD_FAILED;
	return can_run ? NEXT_CLOSE_LID : NEXT_UNLOAD;
}

static enum control_next next_load(const struct panel *p, const struct panel_input *in,
				   uint64_t *ret_nests)
{
	if (!p->present)
		return NEXT_LOAD;
	if (!in->image.lid_closed)
		return NEXT_CLOSE_LID;
	*ret_nests = p->present & in->stopped;
	return *ret_nests ? NEXT_FREE : NEXT_LOAD;
}

enum control_next panel_next(const struct panel *p, const struct panel_input *in,
			     uint64_t *ret_nests)
{
	uint64_t can_run = panel_candidates(p, in);

	*ret_nests = 0;
	if (p->step == STEP_STOPPED) {
		*ret_nests = p->unknown;
		return in->image.fresh ? NEXT_RESET : NEXT_JIG;
	}
	if (!panel_is_idle(p))
		return NEXT_WAIT;
	if (p->refused != NEXT_NONE)
		return p->refused;
	if (p->start_held_ms && p->start_spent)
		return NEXT_RELEASE_START;
	if (p->step == STEP_UNLOAD)
		return next_unload(p, in, can_run, ret_nests);
	if (p->step == STEP_LOAD)
		return next_load(p, in, ret_nests);
	*ret_nests = can_run;
	return NEXT_START;
}
