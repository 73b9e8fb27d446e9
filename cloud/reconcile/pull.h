/* pull: JSON of any length, token by token, in constant memory (RFC 8259, strict: UTF-8
 * without a BOM, no lone surrogates, nothing lax). The caller pulls; several documents may stand one
 * behind the other. What a fill function reads is bounded by the caller; a token's text is at most
 * PULL_TEXT_MAX bytes, containers at most PULL_DEPTH_MAX deep.
 * Errors: ERR_INVALID with "byte N: " in front (from 1), or the fill function's own; nothing more
 * can be asked then. Threads: one a reader. Layer above: item, listing. Below: none. */
#ifndef CLOUD_RECONCILE_PULL_H
#define CLOUD_RECONCILE_PULL_H

#include "base/bytes.h"
#include "base/err.h"

#define PULL_DEPTH_MAX 64
#define PULL_TEXT_MAX 65536
#define PULL_BUFFER 65536

enum pull_token {
	PULL_END_OF_INPUT, /* behind a whole document, or in front of the first */
	PULL_OBJECT,
	PULL_OBJECT_END,
	PULL_ARRAY,
	PULL_ARRAY_END,
	PULL_NAME,   /* of a member; its value comes next */
	PULL_STRING, /* as for a name, pull->text is what it means, its escapes undone */
	PULL_NUMBER, /* pull->text is as it stands there */
	PULL_TRUE,
	PULL_FALSE,
	PULL_NULL,
};

/* At most `size` bytes into `data`; *ret_len 0 at the end. */
typedef bool (*pull_fill)(void *context, uint8_t *data, size_t size, size_t *ret_len,
			  struct err *e);

enum pull_wants {
	PULL_WANTS_DOCUMENT,
	PULL_WANTS_FIRST, /* in a container just opened */
	PULL_WANTS_NEXT,  /* a comma or the end of the container */
	PULL_WANTS_NAME,
	PULL_WANTS_COLON,
	PULL_WANTS_VALUE,
};

struct pull {
	pull_fill fill;
	void *context;
	struct bytes text;   /* of the last token, valid until the next one */
	uint64_t before;     /* bytes in front of the buffer */
	uint64_t containers; /* bit n: the one at depth n is an object */
	unsigned depth;
	enum pull_wants wants;
	bool ended;
	size_t at, end; /* what of the buffer is not read yet */
	uint8_t buffer[PULL_BUFFER], copy[PULL_TEXT_MAX];
};

void pull_start(struct pull *p, pull_fill fill, void *context);
MUST_CHECK bool pull_next(struct pull *p, enum pull_token *ret_token, struct err *e);
/* The rest of the value that begins with `token`. */
MUST_CHECK bool pull_skip(struct pull *p, enum pull_token token, struct err *e);
/* Bytes read up to here. */
uint64_t pull_position(const struct pull *p);

#endif
