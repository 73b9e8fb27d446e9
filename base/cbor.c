#include "base/cbor.h"

enum major {
	MAJOR_UNSIGNED,
	MAJOR_NEGATIVE,
	MAJOR_BYTES,
	MAJOR_TEXT,
	MAJOR_ARRAY,
	MAJOR_MAP,
	MAJOR_TAG,
	MAJOR_SIMPLE,
};

#define INFO_1_BYTE 24
#define INFO_8_BYTES 27
#define INFO_INDEFINITE 31
#define SIMPLE_FALSE 20
#define SIMPLE_TRUE 21
#define SIMPLE_NULL 22
#define BREAK 0xff

/* What `left` of an indefinite level holds: a map must not end between a key and its value. */
#define UNTIL_BREAK UINT64_MAX
#define UNTIL_BREAK_KEY (UINT64_MAX - 1)
#define UNTIL_BREAK_VALUE (UINT64_MAX - 2)

static void put(struct cbor_writer *w, const void *data, size_t len)
{
	if (w->overflow || len > w->size - w->len) {
		w->overflow = true;
		return;
	}
	if (len)
		memcpy(w->data + w->len, data, len);
	w->len += len;
}

static void put_head(struct cbor_writer *w, enum major major, uint64_t value)
{
	uint8_t head[9];
	size_t width = value < INFO_1_BYTE   ? 0
		       : value <= UINT8_MAX  ? 1
		       : value <= UINT16_MAX ? 2
		       : value <= UINT32_MAX ? 4
					     : 8;
	uint8_t info = width == 0   ? (uint8_t)value
		       : width == 1 ? INFO_1_BYTE
		       : width == 2 ? INFO_1_BYTE + 1
		       : width == 4 ? INFO_1_BYTE + 2
				    : INFO_8_BYTES;

	head[0] = (uint8_t)((unsigned)major << 5 | info);
	for (size_t i = 0; i < width; i++)
		head[1 + i] = (uint8_t)(value >> 8 * (width - 1 - i));
	put(w, head, 1 + width);
}

void cbor_put_unsigned(struct cbor_writer *w, uint64_t value)
{
	put_head(w, MAJOR_UNSIGNED, value);
}

void cbor_put_integer(struct cbor_writer *w, int64_t value)
{
	if (value >= 0)
		put_head(w, MAJOR_UNSIGNED, (uint64_t)value);
	else
		put_head(w, MAJOR_NEGATIVE, ~(uint64_t)value);
}

void cbor_put_bytes(struct cbor_writer *w, struct bytes bytes)
{
	put_head(w, MAJOR_BYTES, bytes.len);
	put(w, bytes.data, bytes.len);
}

void cbor_put_text(struct cbor_writer *w, struct bytes text)
{
	put_head(w, MAJOR_TEXT, text.len);
	put(w, text.data, text.len);
}

void cbor_put_key(struct cbor_writer *w, const char *text)
{
	cbor_put_text(w, bytes_text(text));
}

void cbor_put_array(struct cbor_writer *w, size_t count)
{
	put_head(w, MAJOR_ARRAY, count);
}

void cbor_put_map(struct cbor_writer *w, size_t pairs)
{
	put_head(w, MAJOR_MAP, pairs);
}

void cbor_put_bool(struct cbor_writer *w, bool value)
{
	put_head(w, MAJOR_SIMPLE, value ? SIMPLE_TRUE : SIMPLE_FALSE);
}

struct cbor_reader cbor_reader_start(struct bytes input)
{
	struct cbor_reader r = { .data = input.data, .len = input.len };

	return r;
}

struct head {
	enum major major;
	uint8_t info;
	uint64_t value;
};

static struct cbor_item malformed(struct cbor_reader *r)
{
	struct cbor_item end = { .type = CBOR_END };

	r->bad = true;
	return end;
}

static bool take_head(struct cbor_reader *r, struct head *ret_head)
{
	uint8_t first;
	size_t width;

	if (r->at >= r->len)
		return false;
	first = r->data[r->at++];
	*ret_head = (struct head) { .major = (enum major)(first >> 5), .info = first & 0x1f };
	if (ret_head->info < INFO_1_BYTE || ret_head->info == INFO_INDEFINITE) {
		ret_head->value = ret_head->info;
		return true;
	}
	if (ret_head->info > INFO_8_BYTES)
		return false;
	width = (size_t)1 << (ret_head->info - INFO_1_BYTE);
	if (width > r->len - r->at)
		return false;
	while (width--)
		ret_head->value = ret_head->value << 8 | r->data[r->at++];
	return true;
}

static bool take_string(struct cbor_reader *r, const struct head *head, struct bytes *ret_string)
{
	if (head->info == INFO_INDEFINITE || head->value > r->len - r->at)
		return false;
	*ret_string = bytes_of(r->data + r->at, (size_t)head->value);
	r->at += (size_t)head->value;
	return true;
}

/* The chunks of an indefinite string, which only a caller who skips it lets pass. */
static bool skip_chunks(struct cbor_reader *r, enum major major)
{
	struct head chunk;
	struct bytes ignored;

	while (r->at < r->len && r->data[r->at] != BREAK)
		if (!take_head(r, &chunk) || chunk.major != major ||
		    !take_string(r, &chunk, &ignored))
			return false;
	return r->at++ < r->len;
}

static bool enter(struct cbor_reader *r, const struct head *head)
{
	bool map = head->major == MAJOR_MAP;
	uint64_t left = map ? UNTIL_BREAK_KEY : UNTIL_BREAK;

	if (r->depth == CBOR_DEPTH_MAX)
		return false;
	if (head->info != INFO_INDEFINITE) {
		/* An item is at least one byte, so that a count beyond the input is a lie. */
		if (head->value > (r->len - r->at) / (map ? 2 : 1))
			return false;
		left = map ? head->value * 2 : head->value;
	}
	r->left[++r->depth] = left;
	return true;
}

/* True if the level has no further item; takes the break that says so. */
static bool level_ended(struct cbor_reader *r)
{
	uint64_t *left = &r->left[r->depth];

	if (r->depth == 0)
		return r->at == r->len;
	if (*left == 0)
		return true;
	if ((*left != UNTIL_BREAK && *left != UNTIL_BREAK_KEY) || r->at >= r->len ||
	    r->data[r->at] != BREAK)
		return false;
	r->at++;
	*left = 0;
	return true;
}

static void count_item(struct cbor_reader *r)
{
	uint64_t *left = &r->left[r->depth];

	if (*left == UNTIL_BREAK_KEY)
		*left = UNTIL_BREAK_VALUE;
	else if (*left == UNTIL_BREAK_VALUE)
		*left = UNTIL_BREAK_KEY;
	else if (r->depth > 0 && *left != UNTIL_BREAK)
		(*left)--;
}

static bool take_simple(const struct head *head, bool skipping, struct cbor_item *ret_item)
{
	if (head->info == SIMPLE_FALSE || head->info == SIMPLE_TRUE) {
		ret_item->type = CBOR_BOOL;
		ret_item->value = head->info == SIMPLE_TRUE;
		return true;
	}
	ret_item->type = CBOR_NULL;
	return head->info == SIMPLE_NULL || (skipping && head->info != INFO_INDEFINITE);
}

/* The item behind a head that is no tag; with `skipping`, also what cbor_next refuses. */
static bool take_item(struct cbor_reader *r, const struct head *head, bool skipping,
		      struct cbor_item *ret_item)
{
	static const enum cbor_type types[] = {
		CBOR_UNSIGNED, CBOR_NEGATIVE, CBOR_BYTES, CBOR_TEXT,
		CBOR_ARRAY,    CBOR_MAP,      CBOR_END,	  CBOR_END,
	};

	ret_item->type = types[head->major];
	ret_item->value = head->value;
	switch (head->major) {
	case MAJOR_UNSIGNED:
	case MAJOR_NEGATIVE:
		return head->info != INFO_INDEFINITE;
	case MAJOR_BYTES:
	case MAJOR_TEXT:
		if (skipping && head->info == INFO_INDEFINITE)
			return skip_chunks(r, head->major);
		return take_string(r, head, &ret_item->string);
	case MAJOR_ARRAY:
	case MAJOR_MAP:
		if (head->info == INFO_INDEFINITE)
			ret_item->value = UINT64_MAX;
		return enter(r, head);
	default:
		ret_item->value = 0;
		return take_simple(head, skipping, ret_item);
	}
}

static struct cbor_item next(struct cbor_reader *r, bool skipping)
{
	struct cbor_item item = { .type = CBOR_END };
	struct head head;

	if (r->bad || level_ended(r))
		return item;
	do {
		if (!take_head(r, &head))
			return malformed(r);
		if (head.major == MAJOR_TAG && (!skipping || head.info == INFO_INDEFINITE))
			return malformed(r);
	} while (head.major == MAJOR_TAG);
	count_item(r);
	if (!take_item(r, &head, skipping, &item))
		return malformed(r);
	return item;
}

struct cbor_item cbor_next(struct cbor_reader *r)
{
	return next(r, false);
}

/* Takes what is left of the levels above `depth`. Every round takes a byte or leaves a level. */
static void skip_to(struct cbor_reader *r, size_t depth)
{
	while (!r->bad && r->depth > depth)
		if (next(r, true).type == CBOR_END && !r->bad)
			r->depth--;
}

void cbor_leave(struct cbor_reader *r)
{
	if (r->depth > 0)
		skip_to(r, r->depth - 1);
}

void cbor_skip(struct cbor_reader *r)
{
	size_t depth = r->depth;

	next(r, true);
	skip_to(r, depth);
}

uint64_t cbor_want_unsigned(struct cbor_reader *r)
{
	struct cbor_item item = cbor_next(r);

	if (item.type != CBOR_UNSIGNED)
		item = malformed(r);
	return item.value;
}

struct bytes cbor_want_string(struct cbor_reader *r, enum cbor_type type, size_t max_len)
{
	struct cbor_item item = cbor_next(r);

	if (item.type != type || item.string.len > max_len)
		item = malformed(r);
	return item.string;
}

void cbor_want(struct cbor_reader *r, enum cbor_type container)
{
	if (cbor_next(r).type != container)
		malformed(r);
}

/* True if the next item is that text. Takes it, whatever it is. */
static bool take_key(struct cbor_reader *r, struct bytes key)
{
	bool text = r->at < r->len && r->data[r->at] >> 5 == MAJOR_TEXT &&
		    (r->data[r->at] & 0x1f) != INFO_INDEFINITE;

	if (text)
		return bytes_equal(cbor_next(r).string, key) && !r->bad;
	cbor_skip(r);
	return false;
}

struct cbor_reader cbor_find(const struct cbor_reader *map, const char *key, bool *ret_found)
{
	struct cbor_reader r = *map;

	*ret_found = false;
	while (!r.bad && !level_ended(&r)) {
		if (take_key(&r, bytes_text(key))) {
			*ret_found = true;
			return r;
		}
		cbor_skip(&r);
	}
	struct cbor_reader start = *map;
	start.bad = r.bad;
	return start;
}

bool cbor_ok(const struct cbor_reader *r)
{
	return !r->bad;
}

bool cbor_at_end(const struct cbor_reader *r)
{
	return !r->bad && r->depth == 0 && r->at == r->len;
}
