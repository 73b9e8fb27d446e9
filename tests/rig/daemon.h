/* daemon: how a program of the rig lives: it serves until a signal, ends with its parent unless it
 * was started in a session of its own (setsid), or is detached: the call returns when it is ready.
 * Threads: one. Layer above: boards_main, jig_main. Below: none. */
#ifndef TESTS_RIG_DAEMON_H
#define TESTS_RIG_DAEMON_H

#include "base/err.h"

/* Serves until stop_fd is readable; calls daemon_ready once it can. */
typedef bool daemon_serve(void *context, int stop_fd, struct err *e);

/* Returns the exit code; the sentence of a failure is printed on stderr behind `name`. */
int daemon_run(const char *name, bool detached, daemon_serve *serve, void *context);

/* Tells the parent that waits, where there is one, that all is well. */
MUST_CHECK bool daemon_ready(struct err *e);

#endif
