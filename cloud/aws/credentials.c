#include "cloud/aws/credentials.h"

#include "cloud/aws/iso.h"
#include "cloud/aws/process.h"

#include <jansson.h>

AUTO_DEFINE(json, json_t *, json_decref)

/* Into a header or a signature: nothing but printable ASCII. */
static bool put(const char *text, char *to, size_t size)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	if (len >= size)
		return false;
	memcpy(to, text, len + 1);
	return true;
}

static bool put_keys(struct account *account, const char *access_key, const char *secret_key,
		     const char *session_token, struct err *e)
{
	if (!*access_key || !*secret_key)
		return err_set(e, ERR_INVALID, "the %s is missing",
			       *access_key ? "secret access key" : "access key id");
	if (!put(access_key, account->access_key, sizeof(account->access_key)) ||
	    !put(secret_key, account->secret_key, sizeof(account->secret_key)) ||
	    !put(session_token, account->session_token, sizeof(account->session_token)))
		return err_set(e, ERR_INVALID,
			       "a key or token is too long, or holds a space or a character that "
			       "is no printable ASCII");
	return true;
}

static bool read_expiry(const char *text, struct account *account)
{
	bool zoned;

	return iso_read(text, &account->expires_s, &zoned) && zoned;
}

static const char *value_of(const char *variable)
{
	const char *value = getenv(variable);

	return value ? value : "";
}

bool credentials_environment(struct account *account, struct err *e)
{
	const char *expiration = value_of("AWS_CREDENTIAL_EXPIRATION");
	const char *access_key = value_of("AWS_ACCESS_KEY_ID");

	if (!*access_key)
		return err_set(e, ERR_NOT_FOUND, "AWS_ACCESS_KEY_ID is not set");
	snprintf(account->source, sizeof(account->source), "AWS_ACCESS_KEY_ID in the environment");
	if (*expiration && !read_expiry(expiration, account))
		return err_set(e, ERR_INVALID, "AWS_CREDENTIAL_EXPIRATION is no time");
	return put_keys(account, access_key, value_of("AWS_SECRET_ACCESS_KEY"),
			value_of("AWS_SESSION_TOKEN"), e) ||
	       err_add(e, "%s", account->source);
}

/* NULL: not there, or null; "" for what is no text, which no caller takes. */
static const char *text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (!value || json_is_null(value))
		return NULL;
	return json_is_string(value) ? json_string_value(value) : "";
}

bool credentials_parse(struct bytes text, struct account *account, struct err *e)
{
	AUTO(json) json = json_loadb((const char *)text.data, text.len, 0, NULL);
	const char *access_key = text_of(json, "AccessKeyId");
	const char *secret_key = text_of(json, "SecretAccessKey");
	const char *session_token = text_of(json, "SessionToken");
	const char *expiration = text_of(json, "Expiration");

	if (json_integer_value(json_object_get(json, "Version")) != 1)
		return err_set(e, ERR_INVALID, "it prints no JSON with \"Version\": 1");
	if (expiration && !read_expiry(expiration, account))
		return err_set(e, ERR_INVALID, "its Expiration is no time");
	return put_keys(account, access_key ? access_key : "", secret_key ? secret_key : "",
			session_token ? session_token : "", e);
}

static bool run(const char *command, struct account *account, struct err *e)
{
	AUTO_FREE char *output = malloc(CREDENTIALS_PROCESS_SIZE);
	size_t len;
	bool done;

	if (!output)
		return err_set(e, ERR_SYSTEM, "no memory for its output");
	done = process_read(command, CREDENTIALS_PROCESS_MS, output, CREDENTIALS_PROCESS_SIZE, &len,
			    e) &&
	       credentials_parse(bytes_of(output, len), account, e);
	explicit_bzero(output, CREDENTIALS_PROCESS_SIZE);
	return done;
}

static bool use_keys(const char *name, const struct profile *profile, struct account *account,
		     struct err *e)
{
	snprintf(account->source, sizeof(account->source), "profile %.64s in %.400s", name,
		 profile->path);
	return put_keys(account, profile->access_key, profile->secret_key, profile->session_token,
			e) ||
	       err_add(e, "%s", account->source);
}

static bool use_process(const char *name, const struct profile *profile, struct account *account,
			struct err *e)
{
	snprintf(account->source, sizeof(account->source),
		 "credential_process of profile %.64s in %.400s", name, profile->path);
	memcpy(account->process, profile->process, sizeof(account->process));
	return run(profile->process, account, e) || err_add(e, "%s", account->source);
}

bool credentials_renew(struct account *account, struct err *e)
{
	AUTO(account) fresh = calloc(1, sizeof(*fresh));

	if (!fresh)
		return err_set(e, ERR_SYSTEM, "no memory for AWS credentials");
	*fresh = *account;
	fresh->expires_s = 0; /* unless it says so again */
	if (!run(fresh->process, fresh, e))
		return err_add(e, "%s", account->source);
	*account = *fresh;
	return true;
}

bool credentials_profile(const char *name, const struct profile *shared,
			 const struct profile *config, struct account *account, struct err *e)
{
	const struct profile *other = shared->other ? shared : config;

	if (other->other)
		return err_set(
			e, ERR_INVALID,
			"profile %.64s in %.200s has %s, which imprint does not follow: give "
			"another profile credential_process = aws configure "
			"export-credentials --profile %.64s",
			name, other->path, other->other, name);
	if (*shared->access_key || *shared->secret_key)
		return use_keys(name, shared, account, e);
	if (*shared->process || *config->process)
		return use_process(name, *shared->process ? shared : config, account, e);
	if (*config->access_key || *config->secret_key)
		return use_keys(name, config, account, e);
	return err_set(e, ERR_NOT_FOUND, "profile %.64s has no credentials", name);
}
