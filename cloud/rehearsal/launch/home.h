/* home: a HOME for AWS's tools, with which they talk to the rehearsal and to nobody else.
 *	.aws/credentials	the rehearsal's own key pair
 *	.aws/config		the region
 *	.aws/cli/alias		`aws iot` and `aws s3` with the rehearsal's URL
 * Errors: ERR_SYSTEM. Threads: one. Layer above: service. Below: folder. */
#ifndef CLOUD_REHEARSAL_LAUNCH_HOME_H
#define CLOUD_REHEARSAL_LAUNCH_HOME_H

#include "cloud/rehearsal/launch/settings.h"

struct home {
	const char *dir; /* the rehearsal's folder */
	const char *region, *session_token;
	uint16_t rest_port;
};

/* Writes the files below FOLDER_HOME. */
MUST_CHECK bool home_make(const struct home *home, struct err *e);
/* The environment of a command that works with the rehearsal: ours without AWS_*, and with what
 * sends it here; NULL at its end. */
MUST_CHECK bool home_environment(const struct home *home, char ***ret_environment, struct err *e);
void home_environment_free(char **environment);

#endif
