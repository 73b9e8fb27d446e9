/* service: the rehearsal's background process: REST server, hook, and mosquitto as its child. It ends
 * on SIGTERM, or when mosquitto does; mosquitto ends with it, whatever happens to it.
 * Threads: its first; server and hook have one each. Layer above: up. Below: server, hook, broker, home, material. */
#ifndef CLOUD_REHEARSAL_LAUNCH_SERVICE_H
#define CLOUD_REHEARSAL_LAUNCH_SERVICE_H

#include "cloud/rehearsal/launch/settings.h"

#define SERVICE_REPORT_MAX 4096 /* what a pipe takes at once */

/* Runs it in this process. When it is ready, the JSON object of `up` goes into FILE_STATE and into
 * report_fd, and it no longer ends with its parent; on failure "!" and a sentence go there. Returns
 * the exit status. */
int service_run(const char *dir, const struct settings *settings, int report_fd);

#endif
