/* model: what the station says, and how long ago; and what follows from it: which word stands on
 * the screen. Pure: `now_ms` and `wall_s` are set by who owns it. Threads: one. Layer above: paint,
 * screen. Below: control. */
#ifndef STATION_SCREEN_MODEL_H
#define STATION_SCREEN_MODEL_H

#include "station/control/control.h"
#include "station/screen/canvas.h"
#include "station/screen/phrase.h"

#define MODEL_ALARMS_MAX 64
#define MODEL_ORDERS_MAX 64

struct model_order {
	char id[CONTROL_NAME_MAX + 1];
	char product[CONTROL_NAME_MAX + 1];
	uint64_t quantity, used;
	bool is_open, in_use;
};

struct model {
	bool is_up;			      /* the station answers */
	char lost_text[CONTROL_TEXT_MAX + 1]; /* why not */
	int64_t lost_at;		      /* monotonic ms; 0: it never answered */
	struct control_station station;
	struct control_nest nests[CONTROL_NESTS_MAX];
	int64_t told_at[CONTROL_NESTS_MAX]; /* monotonic ms */
	size_t count;
	struct control_alarm alarms[MODEL_ALARMS_MAX]; /* the newest first */
	size_t alarm_count;
	struct model_order orders[MODEL_ORDERS_MAX];
	size_t order_count;
	int64_t now_ms, wall_s;
};

/* Takes the rows of a NESTS or of a ROWS answer; false if they make no sense. */
MUST_CHECK bool model_take_nests(struct model *m, const struct control_reply *reply);
MUST_CHECK bool model_take_alarms(struct model *m, const struct control_reply *reply);

/* How many nests: `outcome` counts those whose result is to be seen. */
struct model_counts {
	size_t boards, ready, running, ended, outcome[OUTCOME_COUNT];
};
struct model_counts model_count(const struct model *m);

/* Boards run, or the jig is about to move: nothing else may be asked now. */
bool model_is_working(const struct model *m);
/* The run's time, up to now. */
uint64_t model_elapsed_ms(const struct model *m, size_t nest);
/* True if the result of its last run is to be seen: its board is there, or to be taken out. */
bool model_shows_result(const struct model *m, const struct control_nest *nest);
/* It failed and its board is still there: it is to be taken out. */
bool model_is_marked(const struct model *m, const struct control_nest *nest);

/* The names of the nests for which it holds, blanks between; cut with "..." when there are many. */
typedef bool model_test(const struct model *m, const struct control_nest *nest);
char *model_names(const struct model *m, model_test *test, char *ret_names, size_t size);

/* The big word: what it says, how it looks, and the sentence beside it. */
struct model_word {
	enum phrase big, said;
	enum style style;
	size_t first, second; /* for the holes of `said` */
};
struct model_word model_word(const struct model *m);

/* What to do now, and the nests that it is about. */
enum phrase model_next(const struct model *m, char *ret_names, size_t size);

#endif
