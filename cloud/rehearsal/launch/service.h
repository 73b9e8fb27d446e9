/* service: the rehearsal's background process: REST server, hook, and mosquitto as its child. It ends
 * on SIGTERM, or when mosquitto does; mosquitto ends with it, whatever happens to it.
 * Layer above: up. Below: server, hook, broker, home, material. */
#ifndef CLOUD_REHEARSAL_LAUNCH_SERVICE_H
#define CLOUD_REHEARSAL_LAUNCH_SERVICE_H

#include "cloud/rehearsal/launch/settings.h"

#define SERVICE_REPORT_MAX 4096 /* what a pipe takes at once */

/* Runs it in this process, a child of `parent`, with which it ends until it is ready. Then it writes
 * the JSON object of `up` into report_fd, and into FILE_STATE; on failure "!" and a sentence.
 * Returns the exit status. */
int service_run(const char *dir, const struct settings *settings, int report_fd);

#endif
