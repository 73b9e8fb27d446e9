#include "station/panel_part.h"

uint64_t panel_candidates(const struct panel *p, const struct panel_input *in)
{
	uint64_t can_tell = p->options.has_lid ? UINT64_MAX : p->options.present;

	return p->present & ~in->stopped & ~(p->ran & can_tell);
}

void panel_forget(struct panel *p, uint64_t nests)
{
	p->ran &= ~nests;
	p->passed &= ~nests;
	p->marked &= ~nests;
	p->unknown &= ~nests;
}

void panel_follow_boards(struct panel *p, const struct panel_input *in)
{
	uint64_t boards_before = p->present, by_signal = p->options.present;
	bool lid_before = p->lid_closed;

	if (!in->image.fresh)
		return;
	p->present = (in->image.present & by_signal) | (in->line & ~by_signal);
	panel_forget(p, by_signal & ~p->present);
	p->lid_closed = in->image.lid_closed;
	if (!p->lid_closed)
		p->lid_opened = true;
	else if (p->lid_opened && panel_is_idle(p))
		panel_forget(p, ~by_signal);
	if (p->refused != NEXT_NONE &&
	    (p->present != boards_before || p->lid_closed != lid_before)) {
		p->refused = NEXT_NONE;
		p->text[0] = '\0';
	}
}

void panel_collect(struct panel *p, const struct panel_input *in)
{
	uint64_t ended = p->asked & in->started & ~in->running & ~in->pending;
	uint64_t judged = ended & (in->passed | in->failed);

	p->asked &= ~ended;
	p->ran |= judged;
	p->passed |= ended & in->passed;
	p->marked |= ended & ~in->passed;
	p->unknown &= ~judged;
}

void panel_leave_unasked(struct panel *p)
{
	p->ran |= p->asked;
	p->asked = 0;
}
