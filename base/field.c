#include "base/field.h"

void field_write(struct writer *w, const struct field *field, const void *object)
{
	const void *at = (const char *)object + field->offset;

	switch (field->kind) {
	case AS_TEXT:
		write_text(w, at);
		return;
	case AS_NUMBER:
		write_u64(w, *(const uint64_t *)at);
		return;
	case AS_HASH:
		write_raw(w, at, FIELD_HASH_LEN);
		return;
	case AS_BLOB:
		write_bytes(w, *(const struct bytes *)at);
		return;
	}
}

void field_read(struct reader *r, const struct field *field, void *object)
{
	void *at = (char *)object + field->offset;

	switch (field->kind) {
	case AS_TEXT:
		read_text(r, at, field->limit);
		return;
	case AS_NUMBER:
		*(uint64_t *)at = read_u64(r);
		return;
	case AS_HASH:
		read_raw(r, at, FIELD_HASH_LEN);
		return;
	case AS_BLOB:
		*(struct bytes *)at = read_bytes(r, field->limit);
		return;
	}
}

void field_write_list(struct writer *w, const struct field *const *list, const void *object)
{
	for (; *list; list++)
		field_write(w, *list, object);
}

void field_read_list(struct reader *r, const struct field *const *list, void *object)
{
	for (; *list; list++)
		field_read(r, *list, object);
}
