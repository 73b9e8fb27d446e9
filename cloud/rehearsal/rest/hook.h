/* hook: --on-register CMD: what a rule's function is on AWS. Each event of the registry that a topic
 * rule wants (any, if there is no rule) runs `sh -c CMD` once, in the order of the events, one at a
 * time, HOOK_SECONDS at most: the event's JSON on stdin, its output in the journal. It has ended
 * when nobody holds its output any more. Threads: a thread of its own with its own connection to the
 * registry. Layer above: service. Below: rule, journal. */
#ifndef CLOUD_REHEARSAL_REST_HOOK_H
#define CLOUD_REHEARSAL_REST_HOOK_H

#include "base/cleanup.h"
#include "base/err.h"

#define HOOK_SECONDS 30
#define HOOK_OUTPUT_MAX 65536 /* of an event; more is read and dropped */

struct hook;

/* `environment` is the command's, NULL at its end. Both texts must live as long as the hook. */
MUST_CHECK bool hook_start(const char *registry_path, const char *command, char *const *environment,
			   struct hook **ret_hook, struct err *e);
/* Ends the command that runs. */
void hook_stop(struct hook *hook);
AUTO_DEFINE(hook, struct hook *, hook_stop)

#endif
