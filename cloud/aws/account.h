/* account: with which credentials, in which region and at which endpoint AWS is asked; found as
 * AWS's own tools find them.
 *	credentials	the profile named by the caller; else AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
 *			AWS_SESSION_TOKEN; else the profile of AWS_PROFILE, or "default": keys in
 *			AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials), keys or credential_process
 *			in AWS_CONFIG_FILE (~/.aws/config). Roles and SSO are not followed: their
 *			profile is refused with what to write instead
 *	region		the caller's; AWS_REGION; AWS_DEFAULT_REGION; the profile's
 *	endpoint	the caller's; AWS_ENDPOINT_URL_IOT (or _S3); AWS_ENDPOINT_URL; AWS's own.
 *			http:// only to a loopback address
 * Who frees an account cleanses its secret; from account_find on, the process leaves no core file
 * and no debugger may attach. Nothing of it goes into a log or a sentence but the
 * access key's id and where it was found. Errors: ERR_NOT_FOUND (none: the sentence says where was
 * looked), ERR_INVALID (file and line), ERR_REFUSED (credentials that have expired), ERR_SYSTEM.
 * Threads: one an account. Layer above: http. Below: base. */
#ifndef CLOUD_AWS_ACCOUNT_H
#define CLOUD_AWS_ACCOUNT_H

#include "base/cleanup.h"
#include "base/err.h"

#include <stdint.h>

#define ACCOUNT_KEY_SIZE 129
#define ACCOUNT_TOKEN_SIZE 8193
#define ACCOUNT_REGION_SIZE 65
#define ACCOUNT_URL_SIZE 512
#define ACCOUNT_SOURCE_SIZE 512
#define ACCOUNT_COMMAND_SIZE 1024
#define ACCOUNT_RENEW_S 300 /* before they expire, but not in the first half of their time */

/* What a person may say on the command line; NULL: not said. */
struct account_options {
	const char *profile, *region, *endpoint_url;
};

struct account {
	char access_key[ACCOUNT_KEY_SIZE], secret_key[ACCOUNT_KEY_SIZE];
	char session_token[ACCOUNT_TOKEN_SIZE]; /* "": none */
	char region[ACCOUNT_REGION_SIZE];	/* "eu-central-1" */
	char iot_endpoint[ACCOUNT_URL_SIZE];	/* "https://iot.eu-central-1.amazonaws.com" */
	char s3_endpoint[ACCOUNT_URL_SIZE];	/* "https://s3.eu-central-1.amazonaws.com" */
	bool s3_by_path;			/* s3_endpoint is not AWS's own: HOST/BUCKET/KEY */
	char source[ACCOUNT_SOURCE_SIZE];	/* "profile sz1 in ~/.aws/credentials" */
	int64_t expires_s;			/* seconds since 1970 UTC; 0: not known */
	char process[ACCOUNT_COMMAND_SIZE];	/* that printed the keys, and may be asked again */
	int64_t renew_s;			/* when it is; 0: not planned yet */
};

MUST_CHECK bool account_find(const struct account_options *options, struct account **ret_account,
			     struct err *e);
/* Before each request: keys that will expire soon are asked for again, where a credential_process
 * gave them. If it gives none, the old ones serve to their end. False: they have expired
 * (ERR_REFUSED), or why the process has no others. */
MUST_CHECK bool account_fresh(struct account *account, struct err *e);
void account_free(struct account *account);
AUTO_DEFINE(account, struct account *, account_free)

#endif
