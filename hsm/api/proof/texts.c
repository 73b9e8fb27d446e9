#include "hsm/api/proof/texts.h"

#include <stdlib.h>

#define FIRST_CAPACITY 4096

static struct bytes key_of(const void *rows, uint32_t row)
{
	return bytes_text(texts_get(rows, row));
}

void texts_start(struct texts *t)
{
	*t = (struct texts) { 0 };
	index_start(&t->index, key_of, t);
}

void texts_free(struct texts *t)
{
	index_free(&t->index);
	free(t->data);
	t->data = NULL;
}

const char *texts_get(const struct texts *t, uint32_t number)
{
	return t->data + number;
}

static bool make_room(struct texts *t, size_t len, struct err *e)
{
	size_t capacity = t->capacity ? t->capacity : FIRST_CAPACITY;
	char *bigger;

	while (capacity - t->len < len)
		capacity *= 2;
	if (capacity == t->capacity)
		return true;
	bigger = capacity < INDEX_NONE ? realloc(t->data, capacity) : NULL;
	if (!bigger)
		return err_set(e, ERR_SYSTEM, "out of memory");
	t->data = bigger;
	t->capacity = capacity;
	return true;
}

bool texts_put(struct texts *t, struct bytes text, uint32_t *ret_number, struct err *e)
{
	uint32_t number = index_find(&t->index, text);

	if (number == INDEX_NONE) {
		number = (uint32_t)t->len;
		if (!make_room(t, text.len + 1, e))
			return false;
		if (text.len)
			memcpy(t->data + t->len, text.data, text.len);
		t->data[t->len + text.len] = '\0';
		t->len += text.len + 1;
		if (!index_put(&t->index, number, e))
			return false;
	}
	*ret_number = number;
	return true;
}
