/* credentials: an account's keys, from the environment, a profile's keys or the command that it
 * names. The first of these that says anything at all must say everything.
 * credential_process prints, within CREDENTIALS_PROCESS_MS:
 *	{"Version": 1, "AccessKeyId": …, "SecretAccessKey": …,
 *	 "SessionToken": …, "Expiration": "2026-11-22T05:13:36Z"}	the last two may be missing
 * Errors as in account.h. Threads: any. Layer above: account. Below: profile, process, iso,
 * jansson. */
#ifndef CLOUD_AWS_CREDENTIALS_H
#define CLOUD_AWS_CREDENTIALS_H

#include "cloud/aws/profile.h"

#define CREDENTIALS_PROCESS_MS 60000
#define CREDENTIALS_PROCESS_SIZE 65536

/* Fills in keys, source and expiry. ERR_NOT_FOUND: nothing there. */
MUST_CHECK bool credentials_environment(struct account *account, struct err *e);
MUST_CHECK bool credentials_profile(const char *name, const struct profile *shared,
				    const struct profile *config, struct account *account,
				    struct err *e);
/* Asks account->process again; the account is as before if it fails. */
MUST_CHECK bool credentials_renew(struct account *account, struct err *e);
/* What a credential_process printed. */
MUST_CHECK bool credentials_parse(struct bytes json, struct account *account, struct err *e);

#endif
