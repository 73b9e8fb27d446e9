/* desk: the station's control socket: one poll loop over callers, the bell of the nests, the
 * signer's status and the daemon's signals. It never waits for any of them: a caller who does not
 * read is hung up on. The permission table (request, who may) is in answer.c.
 * Threads: the main one. Layer above: station_main. Below: nest, cycle, overview,
 * control. */
#ifndef STATION_DESK_H
#define STATION_DESK_H

#include "station/cycle.h"

#define DESK_CALLERS_MAX 32
#define DESK_CALLERS_OF_ONE_USER 24 /* nobody keeps the others out */

struct desk_config {
	const struct station_settings *settings;
	struct runs *runs;
	struct people *people;
	struct alarms *alarms;
	struct catalogue *catalogue;
	int lib_fd;		   /* the station's lib folder: its disk is watched */
	struct nest *const *nests; /* as many as the settings have */
	struct cycle *cycle;	   /* of the jig; NULL: a bench */
	struct jig *jig;	   /* or NULL */
	int listen_fd, bell_fd;
	int signal_fd; /* readable: end */
};

struct desk;

MUST_CHECK bool desk_new(const struct desk_config *config, struct desk **ret_desk, struct err *e);
void desk_free(struct desk *desk);
AUTO_DEFINE(desk, struct desk *, desk_free)

/* Serves until a signal comes. */
MUST_CHECK bool desk_run(struct desk *desk, struct err *e);

/* Which roles (bits of enum station_role) may ask that; 0 = nobody. */
unsigned desk_roles(enum control_type type);

#endif
