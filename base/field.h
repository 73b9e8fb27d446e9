/* field: the fields of a record as a table: where each lies in a struct, and how it is written.
 *	text: u16 length, data		number: u64 (any 64-bit member)		hash: 32 bytes
 *	blob: a struct bytes: u32 length, data
 * One table serves both directions, so writing and reading cannot differ.
 * Threads: any. Layer above: hsm/api/request, station/control. Below: message. */
#ifndef BASE_FIELD_H
#define BASE_FIELD_H

#include "base/message.h"

#define FIELD_HASH_LEN 32

enum field_kind { AS_TEXT, AS_NUMBER, AS_HASH, AS_BLOB };

struct field {
	enum field_kind kind;
	size_t offset;
	size_t limit; /* text: size with NUL; blob: most bytes */
};

/* Of struct TYPE, the member `name`. */
/* clang-format off */
#define FIELD_TEXT_OF(type, name) \
	{ AS_TEXT, offsetof(struct type, name), sizeof(((struct type *)0)->name) }
#define FIELD_NUMBER_OF(type, name) { AS_NUMBER, offsetof(struct type, name), 0 }
#define FIELD_HASH_OF(type, name) { AS_HASH, offsetof(struct type, name), 0 }
#define FIELD_BLOB_OF(type, name, limit) { AS_BLOB, offsetof(struct type, name), limit }
/* clang-format on */

void field_write(struct writer *w, const struct field *field, const void *object);
void field_read(struct reader *r, const struct field *field, void *object);

/* All of a list, in its order, to the NULL at its end. */
void field_write_list(struct writer *w, const struct field *const *list, const void *object);
void field_read_list(struct reader *r, const struct field *const *list, void *object);

#endif
