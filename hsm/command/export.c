/* export, head, backup: the ledger for others. An export is one JSON object a line: a first line
 * that says what it is, one line an entry (an entry that a filter leaves out is its number and leaf
 * hash, so that the tree can still be computed), and the head. */
#include "hsm/command/command.h"

#include "base/clock.h"
#include "base/csv.h"
#include "hsm/api/proof/merkle.h"
#include "hsm/api/proof/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>

struct exporting {
	const struct arguments *a;
	const char *station;
	uint64_t limit; /* the head's size: entries behind it came later */
	int64_t since;
	uint64_t *issuances; /* of the order asked for, ascending */
	size_t count, room;
};

static void add_field(void *context, const char *name, enum entry_field_kind kind,
		      struct bytes value, uint64_t number)
{
	json_t *object = context;

	if (kind == FIELD_NUMBER)
		json_object_set_new(object, name, json_integer((json_int_t)number));
	else if (kind == FIELD_TEXT)
		json_object_set_new(object, name,
				    json_stringn_nocheck((const char *)value.data, value.len));
	else
		json_object_set_new(object, name, command_hex(value));
}

static json_t *base64(struct bytes data)
{
	AUTO_FREE char *text = malloc(data.len / 3 * 4 + 8);

	if (!text)
		return NULL;
	EVP_EncodeBlock((unsigned char *)text, data.data, (int)data.len);
	return json_string(text);
}

static bool remember(struct exporting *x, uint64_t issuance, struct err *e)
{
	if (x->count == x->room) {
		uint64_t *more = reallocarray(x->issuances, x->room * 2 + 64, sizeof(*more));

		if (!more)
			return err_set(e, ERR_SYSTEM, "no memory for the export");
		x->issuances = more;
		x->room = x->room * 2 + 64;
	}
	x->issuances[x->count++] = issuance;
	return true;
}

static int by_number(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

/* True if the filters want this entry; one of an issuance is wanted with its reservation. */
static bool wanted(struct exporting *x, const struct entry *entry, bool *ret_wanted, struct err *e)
{
	bool of_order = !x->a->order || bytes_equal(entry->order, bytes_text(x->a->order));

	*ret_wanted = of_order && entry->time_s >= x->since;
	if (!x->a->order)
		return true;
	if (entry->issuance)
		*ret_wanted = bsearch(&entry->issuance, x->issuances, x->count, sizeof(uint64_t),
				      by_number) &&
			      entry->time_s >= x->since;
	return entry->type != ENTRY_RESERVED || !of_order || remember(x, entry->number, e);
}

/* By which AWS IoT knows it. */
static void add_certificate_id(const struct entry *entry, json_t *object)
{
	uint8_t id[SHA256_LEN];

	sha256(&entry->certificate, 1, id);
	json_object_set_new(object, "certificate_id", command_hex(BYTES(id)));
}

json_t *command_entry_json(const struct entry *entry, struct bytes data)
{
	json_t *object =
		json_pack("{sI ss so}", "entry", (json_int_t)entry->number, "type",
			  entry_type_name(entry->type), "time", command_time(entry->time_s));

	if (object) {
		entry_fields(entry, add_field, object);
		if (entry->type == ENTRY_ISSUED)
			add_certificate_id(entry, object);
		json_object_set_new(object, "cbor", base64(data));
	}
	return object;
}

static bool export_entry(void *context, struct bytes data, struct err *e)
{
	struct exporting *x = context;
	AUTO(json) object = NULL;
	struct entry entry;
	bool whole;

	if (!entry_decode(data, &entry, e))
		return false;
	if (entry.number > x->limit)
		return true;
	if (!wanted(x, &entry, &whole, e))
		return false;
	if (whole) {
		object = command_entry_json(&entry, data);
	} else {
		uint8_t leaf[MERKLE_HASH];

		merkle_leaf(data, leaf);
		object = json_pack("{sI so}", "entry", (json_int_t)entry.number, "leaf",
				   command_hex(BYTES(leaf)));
	}
	if (!object)
		return err_set(e, ERR_SYSTEM, "no memory for a line");
	command_print(object);
	return true;
}

static bool export_lines(struct exporting *x, const struct head *head, struct err *e)
{
	char text[HEAD_TEXT_MAX];
	AUTO(json)
	first = json_pack("{si ss so}", "imprint_export", COMMAND_EXPORT_VERSION, "station",
			  x->station, "ledger", command_hex(BYTES(head->ledger_id)));

	command_print(first);
	if (!client_entries(&command_signer, 0, export_entry, x, e))
		return false;
	printf("{\"head\":%s}\n", head_format(head, text));
	return true;
}

static const char *const columns[] = {
	"station",
	"entry",
	"unit",
	"product",
	"order",
	"state",
	"certificate_serial",
	"certificate_id",
	"public_key_sha256",
	"ca_certificate_id",
	"issued_at",
	"installed_at",
	"nest",
	"operator",
	"evidence",
	"reason",
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static bool csv_row(void *context, const struct issuance *issuance, struct err *e)
{
	struct exporting *x = context;
	AUTO(json) object = command_issuance_json(x->station, issuance);

	if (!object)
		return err_set(e, ERR_SYSTEM, "no memory for a line");
	for (size_t i = 0; i < COLUMNS; i++) {
		const json_t *value = json_object_get(object, columns[i]);

		if (i)
			putchar(',');
		if (json_is_integer(value))
			printf("%lld", (long long)json_integer_value(value));
		else
			csv_cell(stdout, json_is_string(value) ? json_string_value(value) : "");
	}
	putchar('\n');
	return true;
}

static bool export_csv(struct exporting *x, const struct head *head, struct err *e)
{
	char text[HEAD_TEXT_MAX];

	for (size_t i = 0; i < COLUMNS; i++)
		printf("%s%s", i ? "," : "", columns[i]);
	putchar('\n');
	if (!command_issuances(x->a, csv_row, x, e))
		return false;
	printf("# head %s\n", head_format(head, text));
	return true;
}

/* A mistyped order would export nothing, and look like an order with no certificates. */
static bool order_is_known(const char *order, struct err *e)
{
	struct request request = { .type = REQUEST_ORDERS };
	struct reply reply;

	if (!order)
		return true;
	if (strlen(order) > NAME_MAX_LEN)
		return err_set(e, ERR_USAGE, "an order's name has at most 64 characters");
	strcpy(request.order, order);
	return client_ask(&command_signer, &request, -1, &reply, e);
}

static bool run_export(struct exporting *x, struct err *e)
{
	struct head head;

	if (x->a->since && !clock_parse(x->a->since, &x->since))
		return err_set(e, ERR_USAGE, "--since takes a time such as 2026-11-22T05:00:00Z");
	if (!order_is_known(x->a->order, e) || !command_station(&x->station, e) ||
	    !client_head(&command_signer, &head, e))
		return false;
	x->limit = head.size;
	if (!(x->a->csv ? export_csv(x, &head, e) : export_lines(x, &head, e)))
		return false;
	return !fflush(stdout) || err_errno(e, ERR_SYSTEM, "cannot write the export");
}

int export_command(const struct arguments *a)
{
	struct exporting x = { .a = a };
	struct err e;
	bool ok = run_export(&x, &e);

	free(x.issuances);
	return ok ? 0 : command_failed(&e);
}

int head_command(const struct arguments *a)
{
	char text[HEAD_TEXT_MAX];
	struct head head;
	struct err e;

	(void)a;
	if (!client_head(&command_signer, &head, &e))
		return command_failed(&e);
	puts(head_format(&head, text));
	return 0;
}

static bool run_backup(const char *path, struct reply *ret_reply, struct err *e)
{
	struct request request = { .type = REQUEST_BACKUP };
	AUTO(fd) fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(e, ERR_SYSTEM, "cannot make the file %s", path);
	if (client_ask(&command_signer, &request, fd, ret_reply, e) && !fsync(fd))
		return true;
	unlink(path);
	return false;
}

int backup_command(const struct arguments *a)
{
	struct reply reply;
	struct head head;
	char text[HEAD_TEXT_MAX];
	struct err e;

	/* The head first: so it is a prefix of the copy, whatever is added meanwhile. */
	if (!client_head(&command_signer, &head, &e) || !run_backup(a->operand, &reply, &e))
		return command_failed(&e);
	fprintf(stderr, "%s: %s; keep this head elsewhere:\n", a->operand, reply.text);
	puts(head_format(&head, text));
	return 0;
}

int accept_time_command(const struct arguments *a)
{
	struct request request = { .type = REQUEST_ACCEPT_TIME };
	struct reply reply;
	struct err e;

	snprintf(request.reason, sizeof(request.reason), "%s", a->reason ? a->reason : "");
	if (!client_ask(&command_signer, &request, -1, &reply, &e))
		return command_failed(&e);
	puts(reply.text);
	return 0;
}
