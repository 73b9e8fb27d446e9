/* runs_line: one line of the record of runs, written and read side by side: see runs.h.
 * Pure. Threads: any. Layer above: runs. Below: lines. */
#ifndef STATION_RUNS_LINE_H
#define STATION_RUNS_LINE_H

#include "station/lines.h"
#include "station/runs.h"

/* As lines_line. */
char *runs_line_of_run(const struct run *run, size_t *ret_len);
char *runs_line_of_under_way(const struct run *run, size_t *ret_len);
char *runs_line_of_act(const struct runs_act *act, size_t *ret_len);

/* What a line says, as far as it says it. The run's code lives as long as the object. */
struct run runs_line_read_run(const json_t *object);
/* False: an act that is not known here, such as a later version's. */
bool runs_line_read_act(const json_t *object, struct runs_act *ret_act);
bool runs_line_is_under_way(const json_t *object);

#endif
