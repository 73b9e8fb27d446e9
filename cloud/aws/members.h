/* members: the members of a JSON object, as a table of where each goes in a struct and what it may
 * be. null is the same as not there; a member that no table names is ignored. What is read is bounded
 * and holds no control character. ERR_INVALID: the sentence names the member.
 * Threads: any. Layer above: answer. Below: jansson. */
#ifndef CLOUD_AWS_MEMBERS_H
#define CLOUD_AWS_MEMBERS_H

#include "base/err.h"

#include <jansson.h>
#include <stddef.h>

enum member_kind {
	MEMBER_WORD,   /* printable ASCII, no space */
	MEMBER_TEXT,   /* printable ASCII, and line ends: a PEM */
	MEMBER_ID,     /* 64 lower-case hex digits */
	MEMBER_CHOICE, /* a bool: one of two words */
	MEMBER_STATUS, /* an enum iot_status */
	MEMBER_TIME,   /* an int64_t: seconds since 1970, a fraction is dropped */
};

struct member {
	const char *name;
	enum member_kind kind;
	size_t offset, size;
	bool needed;
	const char *no, *yes; /* of a choice */
};

/* clang-format off */
#define MEMBER_AT(type, name) offsetof(struct type, name), sizeof(((struct type *)0)->name)
/* clang-format on */

MUST_CHECK bool members_read(const json_t *object, const struct member *members, size_t count,
			     void *to, struct err *e);

/* 64 lower-case hex digits. */
bool members_is_id(const char *text, size_t len);

#endif
