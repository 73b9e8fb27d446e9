/* Any file as the list of units of an order: what goes to the signer, asked here in its place, is
 * each line of the file once, in order, as a unit id of printable ASCII; or the file is refused
 * before anything went there, or in the middle, but never changed. The signer's lists of orders,
 * which the first byte asks for when it is odd, can be shown, whatever is in them. */
#include "station/command/command.h"
#include "station/command/signer.h"
#include "tests/fuzz/silent.h"

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct bytes file;    /* what is not sent yet */
	struct bytes answers; /* of the signer: records, each behind two bytes of length */
} rig;

/* The next line of the file that holds anything, without its end. */
static struct bytes next_line(void)
{
	size_t len;

	do {
		struct bytes f = rig.file;
		const uint8_t *lf = f.len > 0 ? memchr(f.data, '\n', f.len) : NULL;

		len = lf ? (size_t)(lf - f.data) : f.len;
		rig.file = bytes_of(f.data + len + !!lf, f.len - len - !!lf);
		while (len > 0 && f.data[len - 1] == '\r')
			len--;
		if (len > 0)
			return bytes_of(f.data, len);
	} while (rig.file.len > 0);
	return bytes_of("", 0);
}

static void check_list(struct bytes list)
{
	assert(list.len > 0 && list.len <= REQUEST_LIST_MAX);
	while (list.len > 0) {
		const uint8_t *lf = memchr(list.data, '\n', list.len);
		struct bytes unit;

		assert(lf);
		unit = bytes_of(list.data, (size_t)(lf - list.data));
		assert(unit.len > 0 && unit.len <= NAME_MAX_LEN);
		for (size_t i = 0; i < unit.len; i++)
			assert(unit.data[i] >= 0x20 && unit.data[i] < 0x7f);
		assert(bytes_equal(unit, next_line()));
		list = bytes_of(lf + 1, list.len - unit.len - 1);
	}
}

/* --- the signer --- */

bool signer_text(char *ret_text, size_t size, const char *what, const char *typed, struct err *e)
{
	(void)what;
	(void)e;
	snprintf(ret_text, size, "%s", typed);
	return true;
}

bool signer_tell(const struct request *request, struct err *e)
{
	(void)e;
	check_list(request->list);
	return true;
}

int signer_do(const struct request *request)
{
	struct err e;

	return signer_tell(request, &e) ? 0 : 1;
}

bool signer_ask(const struct request *request, struct reply *ret_reply, struct err *e)
{
	struct bytes *a = &rig.answers;
	size_t len;
	bool done;

	if (request->type == REQUEST_ORDER_UNITS) {
		check_list(request->list);
		return true;
	}
	len = a->len >= 2 ? (size_t)a->data[0] << 8 | a->data[1] : 0;
	if (len == 0 || len > a->len - 2)
		return err_set(e, ERR_GONE, "the signer hung up");
	done = reply_decode(bytes_of(a->data + 2, len), ret_reply);
	*a = bytes_of(a->data + 2 + len, a->len - 2 - len);
	return done || err_set(e, ERR_INVALID, "the signer's answer makes no sense");
}

static void open_order(struct bytes file)
{
	int fd = memfd_create("units", MFD_CLOEXEC);
	struct options options = { .arguments = { "WO-1" },
				   .count = 1,
				   .product = "demo",
				   .quantity = 1,
				   .has_quantity = true };
	char path[32];

	assert(fd >= 0 && write(fd, file.data, file.len) == (ssize_t)file.len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	options.units = path;
	rig.file = file;
	if (order_open_command(&options) == EXIT_DONE)
		assert(next_line().len == 0); /* nothing was left out */
	close(fd);
}

static void list_orders(struct bytes answers)
{
	const struct options options = { .json = answers.len % 2 };

	rig.answers = answers;
	(void)order_list_command(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0)
		(data[0] % 2 ? list_orders : open_order)(bytes_of(data + 1, size - 1));
	return 0;
}
