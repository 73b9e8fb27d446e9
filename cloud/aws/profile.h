/* profile: what one profile says in one of AWS's shared files.
 *	credentials	[NAME]
 *	config		[profile NAME], and [default]
 * Errors: ERR_INVALID (file and line), ERR_SYSTEM. A file that is not there is an empty one.
 * Threads: any. Layer above: credentials. Below: ini, file. */
#ifndef CLOUD_AWS_PROFILE_H
#define CLOUD_AWS_PROFILE_H

#include "base/bytes.h"
#include "cloud/aws/account.h"

#include <limits.h>

#define PROFILE_FILE_MAX (1 << 20)

struct profile {
	bool found;
	char path[PATH_MAX];
	char access_key[ACCOUNT_KEY_SIZE], secret_key[ACCOUNT_KEY_SIZE];
	char session_token[ACCOUNT_TOKEN_SIZE];
	char process[ACCOUNT_COMMAND_SIZE]; /* credential_process */
	char region[ACCOUNT_REGION_SIZE];
	const char *other; /* "role_arn": a way to credentials that is not ours; NULL: none */
};

MUST_CHECK bool profile_read(const char *path, bool config, const char *name,
			     struct profile *ret_profile, struct err *e);
/* The same of a text in memory; errors name the line only. */
MUST_CHECK bool profile_parse(struct bytes text, bool config, const char *name,
			      struct profile *ret_profile, struct err *e);
void profile_cleanse(struct profile *profile);

#endif
