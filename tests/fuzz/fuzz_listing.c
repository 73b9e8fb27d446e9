/* Listings from anywhere: the reader of JSON takes a document exactly if jansson does, whatever the
 * pieces in which it comes; and what listing makes of it stays upright. */
#include "cloud/reconcile/listing.h"

#include "base/cleanup.h"
#include "cloud/reconcile/pull.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

AUTO_DEFINE(json, json_t *, json_decref)

struct input {
	struct bytes left;
	size_t piece;
};

static bool fill(void *context, uint8_t *data, size_t size, size_t *ret_len, struct err *e)
{
	struct input *input = context;
	size_t len = input->left.len < input->piece ? input->left.len : input->piece;

	(void)e;
	len = len < size ? len : size;
	memcpy(data, input->left.data, len);
	input->left = bytes_of(input->left.data + len, input->left.len - len);
	*ret_len = len;
	return true;
}

/* How many documents; -1: refused. *ret_limit: by a limit of this reader's own. */
static int documents(struct bytes data, size_t piece, bool *ret_limit)
{
	static struct pull p;
	struct input input = { data, piece };
	enum pull_token token;
	struct err e = { 0 };
	int count = 0;

	pull_start(&p, fill, &input);
	while (pull_next(&p, &token, &e)) {
		if (token == PULL_END_OF_INPUT)
			return count;
		count += token != PULL_NAME && token != PULL_OBJECT_END &&
			 token != PULL_ARRAY_END &&
			 p.depth == (token == PULL_OBJECT || token == PULL_ARRAY);
	}
	*ret_limit = strstr(e.text, "too deeply") || strstr(e.text, "longer than");
	return -1;
}

static void compare(struct bytes data)
{
	bool limit = false;
	int here = documents(data, 1 + data.len % 7, &limit), whole;
	json_error_t error;
	AUTO(json)
	theirs = json_loadb((const char *)data.data, data.len, JSON_DECODE_ANY | JSON_ALLOW_NUL,
			    &error);

	whole = documents(data, data.len + 1, &limit);
	if (here != whole)
		abort();
	/* Numbers that do not fit theirs are texts here. */
	if (!limit && (here == 1) != !!theirs &&
	    !(here == 1 && json_error_code(&error) == json_error_numeric_overflow))
		abort();
}

static bool certificate(void *context, const struct listing_certificate *c, struct err *e)
{
	(void)context;
	(void)e;
	if (!*iot_status_name(c->status) || c->created_s < -100 * 366 * 86400LL * 20)
		abort();
	return true;
}

static bool ca(void *context, const struct listing_ca *c, struct err *e)
{
	(void)context;
	(void)c;
	(void)e;
	return true;
}

static void read_listing(struct bytes data)
{
	static const struct listing_calls calls = { certificate, ca };
	AUTO(fd) fd = memfd_create("listing", MFD_CLOEXEC);
	char path[32];
	struct err e = { 0 };

	if (fd < 0 || write(fd, data.data, data.len) != (ssize_t)data.len)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!listing_read(path, &calls, NULL, &e) && !*e.text)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (!memchr(data, 0, size)) /* for jansson a NUL is the end */
		compare(bytes_of(data, size));
	read_listing(bytes_of(data, size));
	return 0;
}
