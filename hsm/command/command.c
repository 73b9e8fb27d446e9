#include "hsm/command/command.h"

#include "base/clock.h"
#include "base/hex.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>

static int connection = -1;

bool command_ask(const struct request *request, int pass_fd, struct reply *ret_reply, struct err *e)
{
	static uint8_t record[MESSAGE_MAX];
	int64_t timeout_ms = pass_fd >= 0 ? COMMAND_LONG_MS : COMMAND_TIMEOUT_MS;

	if (connection < 0 && !signer_connect(&connection, e))
		return false;
	return signer_call(connection, request, pass_fd, record, ret_reply,
			   clock_deadline(timeout_ms), -1, e);
}

bool command_head(struct head *ret_head, struct err *e)
{
	struct request request = { .type = REQUEST_HEAD };
	struct reply reply;
	struct reader r;

	if (!command_ask(&request, -1, &reply, e))
		return false;
	r = (struct reader) { .data = reply.rows.data, .len = reply.rows.len };
	head_read(&r, ret_head);
	return reader_end(&r) || err_set(e, ERR_INVALID, "the signer's head makes no sense");
}

bool command_station(const char **ret_name, struct err *e)
{
	static char name[NAME_MAX_LEN + 1];
	struct request request = { .type = REQUEST_STATUS };
	struct reply reply;

	if (!*name) {
		if (!command_ask(&request, -1, &reply, e))
			return false;
		memcpy(name, reply.status.station, sizeof(name));
	}
	*ret_name = name;
	return true;
}

static bool read_rows(struct bytes rows, uint64_t *after,
		      bool (*row)(void *context, const struct issuance *issuance, struct err *e),
		      void *context, struct err *e)
{
	struct reader r = { .data = rows.data, .len = rows.len };

	while (!r.bad && r.at < r.len) {
		struct issuance issuance;

		issuance_read(&r, &issuance);
		if (r.bad || issuance.id <= *after)
			return err_set(e, ERR_INVALID, "the signer's list makes no sense");
		*after = issuance.id;
		if (!row(context, &issuance, e))
			return false;
	}
	return true;
}

bool command_issuances(const struct arguments *a,
		       bool (*row)(void *context, const struct issuance *issuance, struct err *e),
		       void *context, struct err *e)
{
	struct request request = { .type = REQUEST_ISSUANCES };
	struct reply reply = { .more = 1 };

	if (a->order)
		snprintf(request.order, sizeof(request.order), "%s", a->order);
	if (a->since && !clock_parse(a->since, &request.since))
		return err_set(e, ERR_USAGE, "--since takes a time such as 2026-11-22T05:00:00Z");
	while (reply.more) {
		uint64_t before = request.after;

		if (!command_ask(&request, -1, &reply, e) ||
		    !read_rows(reply.rows, &request.after, row, context, e))
			return false;
		if (reply.more && request.after == before)
			return err_set(e, ERR_INVALID, "the signer's list does not move on");
	}
	return true;
}

static bool read_entries(struct bytes rows, uint64_t *after,
			 bool (*entry)(void *context, struct bytes data, struct err *e),
			 void *context, struct err *e)
{
	struct reader r = { .data = rows.data, .len = rows.len };

	while (!r.bad && r.at < r.len) {
		struct bytes data = read_bytes(&r, ENTRY_MAX);

		if (r.bad)
			return err_set(e, ERR_INVALID, "the signer's entries make no sense");
		++*after;
		if (!entry(context, data, e))
			return false;
	}
	return true;
}

bool command_entries(uint64_t after, bool (*entry)(void *context, struct bytes data, struct err *e),
		     void *context, struct err *e)
{
	struct request request = { .type = REQUEST_ENTRIES, .after = after };
	struct reply reply = { .more = 1 };

	while (reply.more) {
		uint64_t before = request.after;

		if (!command_ask(&request, -1, &reply, e) ||
		    !read_entries(reply.rows, &request.after, entry, context, e))
			return false;
		if (reply.more && request.after == before)
			return err_set(e, ERR_INVALID, "the signer's entries do not move on");
	}
	return true;
}

int command_failed(const struct err *e)
{
	fprintf(stderr, "imprint: %s\n", e->text);
	return e->code == ERR_USAGE ? 2 : e->code == ERR_CORRUPT ? COMMAND_ALARM : 1;
}

void command_print(const json_t *object)
{
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
}

json_t *command_time(int64_t wall_s)
{
	char text[CLOCK_TEXT_SIZE];

	return wall_s ? json_string(clock_format(wall_s, text)) : json_null();
}

json_t *command_hex(struct bytes bytes)
{
	AUTO_FREE char *text = malloc(2 * bytes.len + 1);

	if (!text)
		return NULL;
	return json_string(hex_encode(bytes, text));
}

json_t *command_issuance_json(const char *station, const struct issuance *i)
{
	bool issued = i->issued_at;

	return json_pack("{ss sI ss ss ss ss so so so so so so ss ss ss ss}", "station", station,
			 "entry", (json_int_t)i->id, "unit", i->unit, "product", i->product,
			 "order", i->order, "state", state_name(i->state), "certificate_serial",
			 command_hex(bytes_of(i->serial, i->serial_len)), "certificate_id",
			 issued ? command_hex(BYTES(i->certificate_id)) : json_null(),
			 "public_key_sha256", command_hex(BYTES(i->key_sha256)),
			 "ca_certificate_id", command_hex(BYTES(i->ca_id)), "issued_at",
			 command_time(i->issued_at), "installed_at", command_time(i->installed_at),
			 "nest", i->nest, "operator", i->operator, "evidence",
			 evidence_name(i->evidence), "reason", i->reason);
}

bool command_pem(FILE *to, const char *label, struct bytes der, struct err *e)
{
	if (PEM_write(to, label, "", der.data, (long)der.len) <= 0 || fflush(to))
		return err_errno(e, ERR_SYSTEM, "cannot write the %s", label);
	return true;
}

bool command_open(const char *path, FILE **ret_file, struct err *e)
{
	AUTO(fd) fd = -1;

	if (!path) {
		*ret_file = stdout;
		return true;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno(e, ERR_SYSTEM, "cannot make the file %s", path);
	*ret_file = fdopen(TAKE_FD(fd), "w");
	return *ret_file || err_errno(e, ERR_SYSTEM, "cannot write the file %s", path);
}
