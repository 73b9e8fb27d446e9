/* Entries and heads from anywhere: what is taken is written again exactly so; and a verify that is
 * fed with anything stays upright. */
#include "hsm/api/proof/verify.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_entry(struct bytes data)
{
	static uint8_t again[ENTRY_MAX];
	struct entry entry;
	struct err e;
	size_t len;

	if (!entry_decode(data, &entry, &e))
		return;
	if (!entry_encode(&entry, again, sizeof(again), &len, &e) ||
	    !bytes_equal(bytes_of(again, len), data))
		abort();
}

/* The input as entries behind each other, each with two bytes of length. */
static void try_verify(struct bytes data)
{
	AUTO(verify) v = NULL;
	struct verify_counts counts;
	struct err e;

	if (!verify_new(&v, &e))
		return;
	while (data.len > 2) {
		size_t len = (size_t)data.data[0] << 8 | data.data[1];

		data = bytes_of(data.data + 2, data.len - 2);
		if (len > data.len || !verify_entry(v, bytes_of(data.data, len), &e))
			return;
		data = bytes_of(data.data + len, data.len - len);
	}
	if (!verify_end(v, NULL, &counts, &e))
		return;
}

static void try_head(struct bytes data)
{
	char text[2 * HEAD_TEXT_MAX], again[HEAD_TEXT_MAX];
	struct head head, parsed;
	struct err e;

	if (data.len >= sizeof(text))
		return;
	memcpy(text, data.data, data.len);
	text[data.len] = '\0';
	if (!head_parse(text, &head, &e))
		return;
	if (!head_parse(head_format(&head, again), &parsed, &e) ||
	    memcmp(&head, &parsed, sizeof(head)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	try_entry(bytes_of(data, size));
	try_verify(bytes_of(data, size));
	try_head(bytes_of(data, size));
	return 0;
}
