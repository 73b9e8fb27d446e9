#include "hsm/token/token_inside.h"

#include "base/file.h"
#include "base/log.h"
#include "hsm/token/save.h"

#include <dirent.h>

/* At each login SoftHSM (2.6.1) empties token.object, writes it anew, and syncs nothing. Who is
 * killed or loses power in between would find no token any more, and every key in it gone. So a
 * synced copy lies beside the file from before the first login on, and goes back into its place
 * when the file is not whole. The file begins with a counter that each rewrite raises, then comes
 * its first attribute; an older counter does no harm. */
#define OBJECT "token.object"
#define COPY "token.kept" /* SoftHSM looks at names that end in .object only */
#define DIRECTORY_KEY "directories.tokendir"
#define FILE_MAX 65536
#define COUNTER_LEN 8
#define HEADER_LEN 16

static bool read_optional(const char *path, uint8_t **ret_data, struct bytes *ret_bytes,
			  struct err *e)
{
	size_t len = 0;

	if (!file_read(path, FILE_MAX, ret_data, &len, e) && e->code != ERR_NOT_FOUND)
		return false;
	*ret_bytes = bytes_of(*ret_data, *ret_data ? len : 0);
	return true;
}

static bool is_whole(struct bytes object, struct bytes copy)
{
	return object.len >= HEADER_LEN && object.len >= copy.len &&
	       (copy.len < HEADER_LEN || memcmp(object.data + COUNTER_LEN, copy.data + COUNTER_LEN,
						HEADER_LEN - COUNTER_LEN) == 0);
}

static bool is_same(struct bytes object, struct bytes copy)
{
	return object.len == copy.len && memcmp(object.data + COUNTER_LEN, copy.data + COUNTER_LEN,
						object.len - COUNTER_LEN) == 0;
}

static bool keep_one(const char *folder, struct err *e)
{
	char object_path[PATH_MAX], copy_path[PATH_MAX];
	AUTO_FREE uint8_t *object_data = NULL;
	AUTO_FREE uint8_t *copy_data = NULL;
	struct bytes object, copy;

	if (snprintf(object_path, PATH_MAX, "%s/" OBJECT, folder) >= PATH_MAX ||
	    snprintf(copy_path, PATH_MAX, "%s/" COPY, folder) >= PATH_MAX)
		return err_set(e, ERR_INVALID, "the path %s is too long", folder);
	if (!read_optional(object_path, &object_data, &object, e) ||
	    !read_optional(copy_path, &copy_data, &copy, e))
		return false;
	if (is_whole(object, copy))
		return is_same(object, copy) ||
		       save_file(copy_path, 0600, geteuid(), getegid(), object, e);
	if (copy.len == 0)
		return true; /* it never was a token of ours */
	log_event(LOG_WARNING, "SoftHSM's token was cut off in a login; its copy is put back",
		  "file=\"%s\"", object_path);
	return save_file(object_path, 0600, geteuid(), getegid(), copy, e);
}

static bool keep_below(const char *folder, struct err *e)
{
	DIR *tokens = opendir(folder);
	const struct dirent *entry;
	char path[PATH_MAX];
	bool good = true;

	while (good && tokens && (entry = readdir(tokens)) != NULL)
		if (entry->d_name[0] != '.' &&
		    snprintf(path, PATH_MAX, "%s/%s", folder, entry->d_name) < PATH_MAX)
			good = keep_one(path, e);
	if (tokens)
		closedir(tokens);
	return good;
}

/* The value of a "key = value" line. */
static bool find_value(char *text, const char *key, char **ret_value)
{
	char *next;

	for (char *line = text; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line += strspn(line, " \t");
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		line += strlen(key);
		line += strspn(line, " \t=");
		line[strcspn(line, " \t\r")] = '\0';
		*ret_value = line;
		return true;
	}
	return false;
}

bool token_keep(struct err *e)
{
	const char *path = secure_getenv("SOFTHSM2_CONF");
	AUTO_FREE uint8_t *text = NULL;
	struct err ignored; /* SoftHSM will say what is wrong with its file */
	char *folder;
	size_t len;

	if (!path || !file_read(path, FILE_MAX, &text, &len, &ignored) ||
	    !find_value((char *)text, DIRECTORY_KEY, &folder))
		return true;
	return keep_below(folder, e) || err_add(e, "keeping a copy of the SoftHSM token");
}
