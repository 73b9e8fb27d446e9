#include "cloud/aws/account.h"

#include "base/clock.h"
#include "cloud/aws/credentials.h"
#include "cloud/aws/endpoint.h"

#include <sys/prctl.h>
#include <sys/resource.h>

struct files {
	char name[64];
	bool chosen; /* by the caller: then the environment's keys do not count */
	struct profile shared, config;
};

static void files_free(struct files *files)
{
	profile_cleanse(&files->shared);
	profile_cleanse(&files->config);
	free(files);
}
AUTO_DEFINE(files, struct files *, files_free)

/* The first that says anything, or NULL. */
static const char *first_of(const char *said, const char *variable, const char *other)
{
	const char *value = getenv(variable);

	return said ? said : value && *value ? value : other;
}

/* "~/" means HOME here too: not every path comes through a shell. */
static bool path_of(const char *variable, const char *otherwise, char path[static PATH_MAX],
		    struct err *e)
{
	const char *name = first_of(NULL, variable, otherwise), *home = getenv("HOME");
	bool below_home = strncmp(name, "~/", 2) == 0;
	int len;

	if (below_home && !home)
		return err_set(e, ERR_NOT_FOUND, "HOME is not set, and so %s is not known", name);
	len = snprintf(path, PATH_MAX, "%s%s", below_home ? home : "",
		       below_home ? name + 1 : name);
	if (len < 0 || len >= PATH_MAX)
		return err_set(e, ERR_INVALID, "the path %.80s… is too long", name);
	return true;
}

static bool read_files(const char *profile, struct files *files, struct err *e)
{
	const char *name = first_of(profile, "AWS_PROFILE", "default");
	char path[PATH_MAX];

	files->chosen = profile != NULL;
	if (strlen(name) >= sizeof(files->name))
		return err_set(e, ERR_INVALID, "the profile's name is too long: %.80s…", name);
	memcpy(files->name, name, strlen(name) + 1);
	return path_of("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", path, e) &&
	       profile_read(path, false, name, &files->shared, e) &&
	       path_of("AWS_CONFIG_FILE", "~/.aws/config", path, e) &&
	       profile_read(path, true, name, &files->config, e);
}

static bool find_credentials(const struct files *files, struct account *account, struct err *e)
{
	if (!files->chosen && credentials_environment(account, e))
		return true;
	if (!files->chosen && e->code != ERR_NOT_FOUND)
		return false;
	if (credentials_profile(files->name, &files->shared, &files->config, account, e))
		return true;
	if (e->code != ERR_NOT_FOUND)
		return false;
	return err_set(
		e, ERR_NOT_FOUND,
		"no AWS credentials: %sprofile %s is neither in %.120s nor in %.120s: run aws "
		"configure, or name another profile",
		files->chosen ? "" : "AWS_ACCESS_KEY_ID is not set, and ", files->name,
		files->shared.path, files->config.path);
}

static bool find_region(const char *said, const struct files *files, struct account *account,
			struct err *e)
{
	const char *config = *files->config.region ? files->config.region : files->shared.region;
	const char *region =
		first_of(first_of(said, "AWS_REGION", NULL), "AWS_DEFAULT_REGION", config);
	size_t len = strlen(region);

	if (len == 0)
		return err_set(e, ERR_NOT_FOUND,
			       "no AWS region: neither AWS_REGION nor region of profile %s in "
			       "%.120s: name one",
			       files->name, files->config.path);
	if (len >= sizeof(account->region) ||
	    region[strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		return err_set(e, ERR_INVALID, "\"%.40s\" is no AWS region", region);
	memcpy(account->region, region, len + 1);
	return true;
}

static bool find_endpoint(const char *said, const char *service, const char *variable,
			  const struct account *account, char endpoint[static ACCOUNT_URL_SIZE],
			  bool *ret_other, struct err *e)
{
	const char *other = first_of(said, variable, first_of(NULL, "AWS_ENDPOINT_URL", NULL));
	const char *domain =
		strncmp(account->region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";

	if (other && !endpoint_read(other, endpoint, e))
		return false;
	if (!other)
		snprintf(endpoint, ACCOUNT_URL_SIZE, "https://%s.%s.%s", service, account->region,
			 domain);
	*ret_other = other != NULL;
	return true;
}

static bool find_endpoints(const char *said, struct account *account, struct err *e)
{
	bool other;

	return find_endpoint(said, "iot", "AWS_ENDPOINT_URL_IOT", account, account->iot_endpoint,
			     &other, e) &&
	       find_endpoint(said, "s3", "AWS_ENDPOINT_URL_S3", account, account->s3_endpoint,
			     &account->s3_by_path, e);
}

/* Keys are copied on their way, in libraries too: no core file has them, nor a debugger. */
static bool close_shutters(struct err *e)
{
	struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return err_errno(e, ERR_SYSTEM, "core files cannot be switched off");
#ifndef __SANITIZE_ADDRESS__ /* the leak checker attaches to us */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_errno(e, ERR_SYSTEM, "debuggers cannot be kept out");
#endif
	return true;
}

bool account_find(const struct account_options *options, struct account **ret_account,
		  struct err *e)
{
	AUTO(account) account = calloc(1, sizeof(*account));
	AUTO(files) files = calloc(1, sizeof(*files));

	if (!account || !files)
		return err_set(e, ERR_SYSTEM, "no memory for AWS credentials");
	if (!close_shutters(e) || !read_files(options->profile, files, e) ||
	    !find_credentials(files, account, e) || !account_fresh(account, e) ||
	    !find_region(options->region, files, account, e) ||
	    !find_endpoints(options->endpoint_url, account, e))
		return false;
	*ret_account = TAKE(account);
	return true;
}

/* Of a short time the second half: then it is not asked before each request, whatever it says. */
static void plan_renewal(struct account *account)
{
	int64_t left_s = account->expires_s - clock_wall_s();

	account->renew_s =
		account->expires_s - (left_s / 2 < ACCOUNT_RENEW_S ? left_s / 2 : ACCOUNT_RENEW_S);
}

static bool renew(struct account *account, struct err *e)
{
	int64_t expires_s = account->expires_s;

	if (!account->expires_s || !*account->process || clock_wall_s() < account->renew_s)
		return true;
	if ((account->renew_s || clock_wall_s() >= expires_s) && !credentials_renew(account, e) &&
	    clock_wall_s() >= expires_s)
		return false;
	plan_renewal(account);
	return true;
}

bool account_fresh(struct account *account, struct err *e)
{
	char time[CLOCK_TEXT_SIZE];

	if (!renew(account, e))
		return false;
	if (!account->expires_s || clock_wall_s() < account->expires_s)
		return true;
	return err_set(e, ERR_REFUSED,
		       "the credentials (%.300s) expired at %s: get new ones, then repeat",
		       account->source, clock_format(account->expires_s, time));
}

void account_free(struct account *account)
{
	if (!account)
		return;
	explicit_bzero(account, sizeof(*account));
	free(account);
}
