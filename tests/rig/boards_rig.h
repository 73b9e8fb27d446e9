/* rig: many nests in one loop, and what its service does (tests/rig/service.h):
 *	remove NEST | insert NEST [UNIT] | fault NEST KIND | restart NEST
 *	power NEST on|off | list
 * Threads: one a rig. Layer above: boards_main, tests. Below: nest, service. */
#ifndef RIG_BOARDS_RIG_H
#define RIG_BOARDS_RIG_H

#include "tests/rig/boards_nest.h"
#include "tests/rig/service.h"

#define RIG_NESTS_MAX 512
#define RIG_PREFIX_MAX 32

struct rig_options {
	const char *dir;
	const char *nests; /* "A1,A2,B1"; NULL: rows of eight, A1 to A8, B1 … */
	size_t count;	   /* of those, where nests is NULL */
	unsigned baud;
	const char *unit_prefix;
	const char *const *faults;  /* "A3=mute", NULL at the end */
	const char *const *drivers; /* "A3=fs": another kind of board than prov, likewise */
	const char *const *lines;   /* "A3=/dev/ttyGS0": on that terminal, likewise */
};

struct rig {
	char dir[PATH_MAX], prefix[RIG_PREFIX_MAX];
	unsigned baud, last_unit;
	size_t count;
	struct nest *nests[RIG_NESTS_MAX];
	struct service *service;
};

MUST_CHECK bool rig_open(const struct rig_options *options, struct rig **ret_rig, struct err *e);
void rig_close(struct rig *rig);
AUTO_DEFINE(rig, struct rig *, rig_close)

/* Serves until stop_fd is readable. */
MUST_CHECK bool rig_run(struct rig *rig, int stop_fd, struct err *e);

/* A path in the rig's folder. */
void rig_path(const struct rig *rig, const char *name, const char *suffix,
	      char ret_path[static PATH_MAX]);
/* A unit id that no board has yet. */
void rig_next_unit(struct rig *rig, const struct device_kind *kind,
		   char ret_unit[static AGENT_UNIT_MAX + 1]);
struct nest *rig_nest(const struct rig *rig, const char *name);
struct nest *rig_nest_of_unit(const struct rig *rig, const char *unit);

#endif
