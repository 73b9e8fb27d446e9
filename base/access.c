#include "base/access.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#define ACCESS_TEXT_MAX 64
#define ACCESS_BUFFER 16384	   /* a group with many members */
#define ACCESS_ID_MAX 4294967294UL /* one below -1, which means "nobody" in system calls */

/* A number stands for itself, whether or not somebody has it. */
static bool number_of(const char *text, uint32_t *ret_id)
{
	unsigned long value;
	char *end;

	if (strspn(text, "0123456789") != strlen(text) || strlen(text) > 10)
		return false;
	value = strtoul(text, &end, 10);
	if (value > ACCESS_ID_MAX)
		return false;
	*ret_id = (uint32_t)value;
	return true;
}

static bool user_of(const char *text, uint32_t *ret_id, struct err *e)
{
	char buffer[ACCESS_BUFFER];
	struct passwd entry, *found;
	int rc = getpwnam_r(text, &entry, buffer, sizeof(buffer), &found);

	if (rc != 0 && rc != ENOENT && rc != ESRCH) {
		errno = rc;
		return err_errno(e, ERR_SYSTEM, "cannot look up the user \"%s\"", text);
	}
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "this machine has no user \"%s\"", text);
	*ret_id = entry.pw_uid;
	return true;
}

static bool group_of(const char *text, uint32_t *ret_id, struct err *e)
{
	char buffer[ACCESS_BUFFER];
	struct group entry, *found;
	int rc = getgrnam_r(text, &entry, buffer, sizeof(buffer), &found);

	if (rc != 0 && rc != ENOENT && rc != ESRCH) {
		errno = rc;
		return err_errno(e, ERR_SYSTEM, "cannot look up the group \"%s\"", text);
	}
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "this machine has no group \"%s\"", text);
	*ret_id = entry.gr_gid;
	return true;
}

bool access_find(const char *text, struct access_name *ret_name, struct err *e)
{
	bool is_group = text[0] == '@';
	const char *name = text + is_group;
	uint32_t id;

	if (!*name || strlen(name) > ACCESS_TEXT_MAX || strpbrk(name, "@: ,"))
		return err_set(e, ERR_INVALID,
			       "\"%.70s\" names nobody: write a user, or a group with \"@\" in "
			       "front, by name or number",
			       text);
	if (!number_of(name, &id) && !(is_group ? group_of : user_of)(name, &id, e))
		return false;
	*ret_name = (struct access_name) { is_group, id };
	return true;
}

bool access_is(const struct access_name *name, const struct socket_peer *peer)
{
	if (!name->is_group)
		return peer->uid == name->id;
	for (size_t i = 0; i < peer->group_count; i++)
		if (peer->groups[i] == name->id)
			return true;
	return false;
}
