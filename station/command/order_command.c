/* order …: work orders, kept by the signer. */
#include "station/command/command.h"
#include "station/command/print.h"
#include "station/command/signer.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

static bool id_of(const struct options *options, struct request *request, struct err *e)
{
	return signer_text(request->order, sizeof(request->order), "the order's id",
			   options->arguments[0], e);
}

static int simple(const struct options *options, enum request_type type)
{
	struct request request = { .type = type };
	struct err e;

	return id_of(options, &request, &e) ? signer_do(&request) : command_fail(&e);
}

int order_use_command(const struct options *options)
{
	return simple(options, REQUEST_ORDER_USE);
}

int order_close_command(const struct options *options)
{
	return simple(options, REQUEST_ORDER_CLOSE);
}

int order_quantity_command(const struct options *options)
{
	struct request request = { .type = REQUEST_ORDER_QUANTITY };
	char *end = NULL;
	struct err e;

	errno = 0;
	if (*options->arguments[1] >= '0' && *options->arguments[1] <= '9')
		request.quantity = strtoull(options->arguments[1], &end, 10);
	if (!end || *end || errno) {
		err_set(&e, ERR_USAGE, "a quantity is a whole number");
		return command_fail(&e);
	}
	return id_of(options, &request, &e) ? signer_do(&request) : command_fail(&e);
}

/* --- open --- */

/* Unit ids of a file, in lists that fit one request each. */
struct lister {
	FILE *file;
	const char *path;
	unsigned line;
	char pending[NAME_MAX_LEN + 2]; /* read, but did not fit; with its LF */
	char list[REQUEST_LIST_MAX];
};

static bool check_unit(const struct lister *l, const char *unit, size_t len, struct err *e)
{
	for (size_t i = 0; i < len && i < NAME_MAX_LEN; i++)
		if (unit[i] < 0x20 || unit[i] > 0x7e)
			return err_set(e, ERR_INVALID,
				       "%s:%u: a unit id is printable ASCII; mend the line",
				       l->path, l->line);
	if (len > NAME_MAX_LEN)
		return err_set(e, ERR_INVALID, "%s:%u: a unit id has at most %d characters",
			       l->path, l->line, NAME_MAX_LEN);
	return true;
}

/* The next unit id into `pending`; "" at the end of the file. */
static bool read_unit(struct lister *l, struct err *e)
{
	char line[NAME_MAX_LEN + sizeof("\r\n")];
	size_t len;

	l->pending[0] = '\0';
	while ((len = file_line(l->file, line, sizeof(line))) > 0) {
		l->line++;
		while (len > 0 && len < sizeof(line) &&
		       (line[len - 1] == '\n' || line[len - 1] == '\r'))
			line[--len] = '\0';
		if (len == 0)
			continue;
		if (!check_unit(l, line, len, e))
			return false;
		memcpy(l->pending, line, len);
		memcpy(l->pending + len, "\n", 2);
		return true;
	}
	return !ferror(l->file) || err_errno(e, ERR_SYSTEM, "cannot read %s", l->path);
}

static bool next_list(struct lister *l, struct bytes *ret_list, struct err *e)
{
	size_t len = 0;

	for (;;) {
		size_t unit = strlen(l->pending);

		if (unit > sizeof(l->list) - len)
			break;
		memcpy(l->list + len, l->pending, unit);
		len += unit;
		if (!read_unit(l, e))
			return false;
		if (!*l->pending)
			break;
	}
	*ret_list = bytes_of(l->list, len);
	return true;
}

static bool open_lister(struct lister *l, const char *path, struct err *e)
{
	*l = (struct lister) { .path = path, .file = fopen(path, "re") };
	return l->file || err_errno(e, ERR_INVALID, "cannot read %s", path);
}

static int open_with_list(struct request *request, const char *path)
{
	static struct lister l;
	AUTO(FILE) file = NULL;
	struct reply reply;
	struct err e;
	int code;

	if (!open_lister(&l, path, &e))
		return command_fail(&e);
	file = l.file;
	request->units = UNITS_LIST;
	if (!next_list(&l, &request->list, &e))
		return command_fail(&e);
	if (request->list.len == 0) {
		err_set(&e, ERR_INVALID, "%s holds no unit id", path);
		return command_fail(&e);
	}
	code = signer_do(request);
	while (code == EXIT_DONE && *l.pending) {
		struct request more = { .type = REQUEST_ORDER_UNITS };

		memcpy(more.order, request->order, sizeof(more.order));
		if (!next_list(&l, &more.list, &e) || !signer_ask(&more, &reply, &e)) {
			err_add(&e, "the order is open, but not all of its list is in it");
			return command_fail(&e);
		}
	}
	return code;
}

static bool open_request(const struct options *options, struct request *request, struct err *e)
{
	if (!id_of(options, request, e) || !signer_text(request->product, sizeof(request->product),
							"--product", options->product, e))
		return false;
	if (!options->has_quantity || options->quantity == 0)
		return err_set(e, ERR_USAGE, "--quantity is missing: how many units?");
	request->quantity = options->quantity;
	if (options->until && !clock_parse(options->until, &request->until))
		return err_set(e, ERR_USAGE,
			       "--until wants a date such as 2026-11-22 or 2026-11-22T05:13:36Z");
	return true;
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

int order_open_command(const struct options *options)
{
	struct request request = { .type = REQUEST_ORDER_OPEN, .units = UNITS_ANY };
	struct err e;

	if (!open_request(options, &request, &e))
		return command_fail(&e);
	if (options->units && is_file(options->units))
		return open_with_list(&request, options->units);
	if (options->units) {
		request.units = UNITS_PATTERN;
		if (!signer_text(request.pattern, sizeof(request.pattern), "--units",
				 options->units, &e))
			return command_fail(&e);
	}
	return signer_do(&request);
}

/* --- show --- */

static const char *const units_names[] = {
	[UNITS_ANY] = "any", [UNITS_PATTERN] = "pattern", [UNITS_LIST] = "list"
};

static const char *units_name(const struct order *o)
{
	return o->units <= UNITS_LIST ? units_names[o->units] : "?";
}

static void print_order_json(const struct order *o)
{
	AUTO(json)
	object = json_pack(
		"{ss ss ss sb sI sI sI sI ss ss sI ss so so}", "order", o->id, "product",
		o->product, "state", o->state == ORDER_OPEN ? "open" : "closed", "in_use",
		(int)o->in_use, "quantity", (json_int_t)o->quantity, "used", (json_int_t)o->used,
		"left", (json_int_t)(o->quantity > o->used ? o->quantity - o->used : 0),
		"installed", (json_int_t)o->installed, "units", units_name(o), "pattern",
		o->pattern, "listed", (json_int_t)o->listed, "opened_by", o->opened_by, "opened_at",
		print_json_time(o->opened_at), "until", print_json_time(o->until));
	print_json(object);
}

static void print_order(const struct order *o)
{
	char until[CLOCK_TEXT_SIZE], id[NAME_MAX_LEN + 1];

	print_copy(id, sizeof(id), o->id);
	printf("%-16s %-20s %" PRIu32 " of %" PRIu32 ", %" PRIu32 " installed  %s%s", id,
	       o->product, o->used, o->quantity, o->installed,
	       o->state == ORDER_OPEN ? "open" : "closed", o->in_use ? ", in use" : "");
	if (o->units == UNITS_PATTERN)
		printf("  units %s", o->pattern);
	if (o->units == UNITS_LIST)
		printf("  units: %" PRIu32 " listed", o->listed);
	if (o->until)
		printf("  until %s", clock_format(o->until, until));
	putchar('\n');
}

/* Prints a page; *ret_last is the id of its last order. */
static bool print_page(const struct options *options, const struct reply *reply,
		       char ret_last[static NAME_MAX_LEN + 1], size_t *ret_count, struct err *e)
{
	struct reader r = { .data = reply->rows.data, .len = reply->rows.len };
	struct order order;
	size_t count = 0;

	while (!r.bad && r.at < r.len) {
		order_read(&r, &order);
		if (r.bad)
			break;
		if (options->json)
			print_order_json(&order);
		else
			print_order(&order);
		memcpy(ret_last, order.id, sizeof(order.id));
		count++;
	}
	*ret_count = count;
	return reader_end(&r) || err_set(e, ERR_INVALID, "the signer's answer makes no sense");
}

static int list(const struct options *options, struct request *request)
{
	struct reply reply;
	struct err e;
	size_t count;

	do {
		if (!signer_ask(request, &reply, &e) ||
		    !print_page(options, &reply, request->after_text, &count, &e))
			return command_fail(&e);
	} while (reply.more && count > 0);
	if (count == 0 && *request->order) {
		err_set(&e, ERR_NOT_FOUND, "there is no order %s; imprint order list shows all",
			request->order);
		return command_fail(&e);
	}
	return EXIT_DONE;
}

int order_list_command(const struct options *options)
{
	struct request request = { .type = REQUEST_ORDERS };

	return list(options, &request);
}

int order_show_command(const struct options *options)
{
	struct request request = { .type = REQUEST_ORDERS };
	struct err e;

	return id_of(options, &request, &e) ? list(options, &request) : command_fail(&e);
}
