/* view: all nests as the station last told them. Threads: one. Layer above: the commands. Below:
 * control/client. */
#ifndef STATION_COMMAND_VIEW_H
#define STATION_COMMAND_VIEW_H

#include "base/cleanup.h"
#include "station/control/client.h"

#define VIEW_PATIENCE_MS 10000 /* for any answer of the station */

struct view {
	int fd;
	struct control_station station;
	struct control_nest nests[CONTROL_NESTS_MAX];
	int64_t told_at[CONTROL_NESTS_MAX]; /* monotonic ms */
	uint64_t changed;		    /* nests of the last record: bit 1 << index */
	size_t count;
	uint8_t record[MESSAGE_MAX];
};

/* Connects, and asks for the state of every nest. */
MUST_CHECK bool view_open(struct view **ret_view, struct err *e);
void view_close(struct view *view);
AUTO_DEFINE(view, struct view *, view_close)

/* From now on the station tells what changes. */
MUST_CHECK bool view_watch(struct view *view, struct err *e);
/* Takes the next record that it tells; ERR_TIMEOUT if nothing changed. */
MUST_CHECK bool view_next(struct view *view, int64_t deadline, struct err *e);

/* One question on a new connection; *ret_reply's rows live in `record` (MESSAGE_MAX). */
MUST_CHECK bool view_call(const struct control_request *request, uint8_t *record,
			  struct control_reply *ret_reply, int *ret_passed, struct err *e);

#endif
