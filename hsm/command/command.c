#include "hsm/command/command.h"

#include "base/clock.h"
#include "base/hex.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>

struct client command_signer = { .fd = -1 };

bool command_station(const char **ret_name, struct err *e)
{
	static char name[NAME_MAX_LEN + 1];
	struct request request = { .type = REQUEST_STATUS };
	struct reply reply;

	if (!*name) {
		if (!client_ask(&command_signer, &request, -1, &reply, e))
			return false;
		memcpy(name, reply.status.station, sizeof(name));
	}
	*ret_name = name;
	return true;
}

bool command_issuances(const struct arguments *a, client_issuance each, void *context,
		       struct err *e)
{
	int64_t since = 0;

	if (a->since && !clock_parse(a->since, &since))
		return err_set(e, ERR_USAGE, "--since takes a time such as 2026-11-22T05:00:00Z");
	return client_issuances(&command_signer, a->order, since, each, context, e);
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
