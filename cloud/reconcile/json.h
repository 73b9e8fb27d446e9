/* json: a document of any length, token by token, in constant memory (RFC 8259, strict: UTF-8
 * without a BOM, no lone surrogates, nothing lax). The caller pulls; several documents may stand one
 * behind the other. What a fill function reads is bounded by the caller; a token's text is at most
 * JSON_TEXT_MAX bytes, containers at most JSON_DEPTH_MAX deep.
 * Errors: ERR_INVALID with "byte N: " in front (from 1), or the fill function's own; nothing more
 * can be asked then. Threads: one a reader. Layer above: listing. Below: none. */
#ifndef CLOUD_RECONCILE_JSON_H
#define CLOUD_RECONCILE_JSON_H

#include "base/bytes.h"
#include "base/err.h"

#define JSON_DEPTH_MAX 64
#define JSON_TEXT_MAX 65536
#define JSON_BUFFER 65536

enum json_token {
	JSON_END_OF_INPUT, /* behind a whole document, or in front of the first */
	JSON_OBJECT,
	JSON_OBJECT_END,
	JSON_ARRAY,
	JSON_ARRAY_END,
	JSON_NAME,   /* of a member; its value comes next */
	JSON_STRING, /* as for a name, json->text is what it means, its escapes undone */
	JSON_NUMBER, /* json->text is as it stands there */
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

/* At most `size` bytes into `data`; *ret_len 0 at the end. */
typedef bool (*json_fill)(void *context, uint8_t *data, size_t size, size_t *ret_len,
			  struct err *e);

enum json_wants {
	JSON_WANTS_DOCUMENT,
	JSON_WANTS_FIRST, /* in a container just opened */
	JSON_WANTS_NEXT,  /* a comma or the end of the container */
	JSON_WANTS_NAME,
	JSON_WANTS_COLON,
	JSON_WANTS_VALUE,
};

struct json {
	json_fill fill;
	void *context;
	struct bytes text;   /* of the last token, valid until the next one */
	uint64_t before;     /* bytes in front of the buffer */
	uint64_t containers; /* bit n: the one at depth n is an object */
	unsigned depth;
	enum json_wants wants;
	bool ended;
	size_t at, end; /* what of the buffer is not read yet */
	uint8_t buffer[JSON_BUFFER], copy[JSON_TEXT_MAX];
};

void json_start(struct json *j, json_fill fill, void *context);
MUST_CHECK bool json_next(struct json *j, enum json_token *ret_token, struct err *e);
/* The rest of the value that begins with `token`. */
MUST_CHECK bool json_skip(struct json *j, enum json_token token, struct err *e);
/* Bytes read up to here. */
uint64_t json_position(const struct json *j);

#endif
