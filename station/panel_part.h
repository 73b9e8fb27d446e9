/* panel_part: what the files of panel share: panel.c has the table of steps and the way through it,
 * panel_boards.c what is known of boards, panel_start.c how a cycle begins, panel_next.c what the
 * operator does now. Internal to panel. */
#ifndef STATION_PANEL_PART_H
#define STATION_PANEL_PART_H

#include "station/panel.h"

/* Neither a cycle nor a stop: boards may be changed, and a START is taken. */
bool panel_is_idle(const struct panel *panel);
void panel_enter(struct panel *panel, enum panel_step step, int64_t now_ms);

/* The boards that a START would run. */
uint64_t panel_candidates(const struct panel *panel, const struct panel_input *in);
/* Their results go. */
void panel_forget(struct panel *panel, uint64_t nests);
/* A result stands until its board was taken out. With the bus lost nothing is known of that. */
void panel_follow_boards(struct panel *panel, const struct panel_input *in);
/* Takes what has ended of the runs that were asked for. */
void panel_collect(struct panel *panel, const struct panel_input *in);
/* A nest that did not start, though it had a board, wants it re-seated. */
void panel_leave_unasked(struct panel *panel);

/* True when the button is pressed that was seen released since the last cycle, and a START would be
 * taken. What it would be refused for is shown. */
bool panel_start_pressed(struct panel *panel, const struct panel_input *in);
bool panel_reset_pressed(struct panel *panel, const struct panel_input *in);

#endif
