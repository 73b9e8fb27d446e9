#include "cloud/aws/profile.h"

#include "base/file.h"
#include "cloud/aws/ini.h"

#include <stddef.h>
#include <strings.h>

#define PREFIX "profile"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

/* clang-format off */
#define MEMBER(name) offsetof(struct profile, name), sizeof(((struct profile *)0)->name)
/* clang-format on */

static const struct {
	const char *key;
	size_t offset, size;
} keys[] = {
	{ "aws_access_key_id", MEMBER(access_key) },
	{ "aws_secret_access_key", MEMBER(secret_key) },
	{ "aws_session_token", MEMBER(session_token) },
	{ "credential_process", MEMBER(process) },
	{ "region", MEMBER(region) },
};

static const char *const others[] = {
	"role_arn", "sso_session", "sso_start_url", "web_identity_token_file", "credential_source",
};

struct search {
	bool config;
	const char *name;
	struct profile *profile;
};

static bool equal(struct bytes text, const char *word)
{
	return text.len == strlen(word) &&
	       strncasecmp((const char *)text.data, word, text.len) == 0;
}

/* NAME of [NAME], [profile NAME] or [profile "NAME"]; empty: another kind of section. */
static struct bytes name_of(struct bytes section, bool config)
{
	struct bytes name = section;

	if (!config || bytes_equal(section, bytes_text("default")))
		return name;
	if (name.len <= PREFIX_LEN || memcmp(name.data, PREFIX, PREFIX_LEN) != 0 ||
	    !strchr(" \t", name.data[PREFIX_LEN]))
		return (struct bytes) { NULL, 0 };
	name = bytes_of(name.data + PREFIX_LEN, name.len - PREFIX_LEN);
	while (name.len && strchr(" \t", name.data[0]))
		name = bytes_of(name.data + 1, name.len - 1);
	if (name.len >= 2 && strchr("\"'", name.data[0]) && name.data[name.len - 1] == name.data[0])
		name = bytes_of(name.data + 1, name.len - 2);
	return name;
}

static bool take_value(void *context, const struct ini_value *value, struct err *e)
{
	const struct search *search = context;
	struct profile *profile = search->profile;

	if (!bytes_equal(name_of(value->section, search->config), bytes_text(search->name)))
		return true;
	profile->found = true;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (equal(value->key, others[i]))
			profile->other = others[i];
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		char *to = (char *)profile + keys[i].offset;

		if (!equal(value->key, keys[i].key))
			continue;
		if (value->value.len >= keys[i].size)
			return err_set(e, ERR_INVALID, "%s is longer than %zu characters",
				       keys[i].key, keys[i].size - 1);
		memcpy(to, value->value.data, value->value.len);
		to[value->value.len] = '\0';
	}
	return true;
}

bool profile_parse(struct bytes text, bool config, const char *name, struct profile *ret_profile,
		   struct err *e)
{
	struct profile profile = { .found = false };
	struct search search = { config, name, &profile };
	bool done = ini_read(text, take_value, &search, e);

	if (done)
		*ret_profile = profile;
	profile_cleanse(&profile);
	return done;
}

bool profile_read(const char *path, bool config, const char *name, struct profile *ret_profile,
		  struct err *e)
{
	AUTO_FREE uint8_t *text = NULL;
	size_t len = 0;
	bool done;

	if (!file_read(path, PROFILE_FILE_MAX, &text, &len, e) && e->code != ERR_NOT_FOUND)
		return false;
	done = profile_parse(bytes_of(text ? text : (const uint8_t *)"", len), config, name,
			     ret_profile, e);
	if (text)
		explicit_bzero(text, len);
	if (!done)
		return err_add(e, "%s", path);
	snprintf(ret_profile->path, sizeof(ret_profile->path), "%s", path);
	return true;
}

void profile_cleanse(struct profile *profile)
{
	explicit_bzero(profile, sizeof(*profile));
}
