#include "cloud/rehearsal/launch/home.h"

#include "cloud/rehearsal/launch/folder.h"

#include <stdio.h>
#include <string.h>

#define OWN_COUNT 8 /* variables of our own, and one more with a session token */
#define OWN_MAX (OWN_COUNT + 2)

static bool write_credentials(const struct home *home, struct err *e)
{
	const char *token = home->session_token;

	return folder_write(FOLDER_HOME "/.aws/credentials", 0600,
			    "[default]\naws_access_key_id = " SETTINGS_ACCESS_KEY
			    "\naws_secret_access_key = " SETTINGS_SECRET_KEY "\n%s%s%s",
			    token ? "aws_session_token = " : "", token ? token : "",
			    token ? "\n" : "") ||
	       err_errno(e, ERR_SYSTEM, "cannot write the credentials");
}

static bool write_alias(const struct home *home, struct err *e)
{
	unsigned port = home->rest_port;

	return folder_write(FOLDER_HOME "/.aws/cli/alias", 0644,
			    "[toplevel]\niot = iot --endpoint-url http://127.0.0.1:%u\n"
			    "s3 = s3 --endpoint-url http://127.0.0.1:%u\n"
			    "s3api = s3api --endpoint-url http://127.0.0.1:%u\n",
			    port, port, port) ||
	       err_errno(e, ERR_SYSTEM, "cannot write the alias of aws");
}

bool home_make(const struct home *home, struct err *e)
{
	return folder_make(FOLDER_HOME, e) && folder_make(FOLDER_HOME "/.aws", e) &&
	       folder_make(FOLDER_HOME "/.aws/cli", e) && write_credentials(home, e) &&
	       (folder_write(FOLDER_HOME "/.aws/config", 0644,
			     "[default]\nregion = %s\noutput = json\ncli_pager =\n",
			     home->region) ||
		err_errno(e, ERR_SYSTEM, "cannot write the region")) &&
	       write_alias(home, e);
}

/* --- environment --- */

static bool is_foreign(const char *variable)
{
	return !strncmp(variable, "AWS_", 4) || !strncmp(variable, "HOME=", 5);
}

static size_t count_of(char *const *list)
{
	size_t count = 0;

	while (list[count])
		count++;
	return count;
}

/* What there is no memory for is missed at the end. */
static void add(char **list, size_t *count, const char *name, const char *before, const char *value)
{
	if (asprintf(&list[*count], "%s=%s%s", name, before, value) < 0)
		list[*count] = NULL;
	else
		++*count;
}

static void add_others(char **list, size_t *count)
{
	for (char **variable = environ; *variable; variable++) {
		if (is_foreign(*variable))
			continue;
		list[*count] = strdup(*variable);
		*count += list[*count] != NULL;
	}
}

static void add_own(const struct home *home, char **list, size_t *count)
{
	char port[16];

	snprintf(port, sizeof(port), "%u", home->rest_port);
	add(list, count, "HOME", home->dir, "/" FOLDER_HOME);
	add(list, count, "AWS_ENDPOINT_URL", "http://127.0.0.1:", port);
	add(list, count, "AWS_ENDPOINT_URL_IOT", "http://127.0.0.1:", port);
	add(list, count, "AWS_REGION", "", home->region);
	add(list, count, "AWS_DEFAULT_REGION", "", home->region);
	add(list, count, "AWS_ACCESS_KEY_ID", "", SETTINGS_ACCESS_KEY);
	add(list, count, "AWS_SECRET_ACCESS_KEY", "", SETTINGS_SECRET_KEY);
	add(list, count, "AWS_EC2_METADATA_DISABLED", "", "true");
	if (home->session_token)
		add(list, count, "AWS_SESSION_TOKEN", "", home->session_token);
}

bool home_environment(const struct home *home, char ***ret_environment, struct err *e)
{
	char **list = calloc(count_of(environ) + OWN_MAX, sizeof(*list));
	size_t others = 0, count;

	if (!list)
		return err_set(e, ERR_SYSTEM, "no memory for an environment");
	add_others(list, &others);
	count = others;
	add_own(home, list, &count);
	if (count - others != OWN_COUNT + (home->session_token != NULL)) {
		home_environment_free(list);
		return err_set(e, ERR_SYSTEM, "no memory for an environment");
	}
	*ret_environment = list;
	return true;
}

void home_environment_free(char **environment)
{
	for (char **variable = environment; variable && *variable; variable++)
		free(*variable);
	free(environment);
}
