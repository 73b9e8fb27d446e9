/* list, show: the ledger for people. */
#include "hsm/command/command.h"

#include "base/clock.h"
#include "base/hex.h"

struct listing {
	const struct arguments *a;
	const char *station;
	uint64_t rows;
};

static void print_row(const struct issuance *i)
{
	char time[CLOCK_TEXT_SIZE], id[2 * SHA256_LEN + 1];

	hex_encode(BYTES(i->certificate_id), id);
	/* The whole id is long: `show` and --json have it. */
	printf("%-14s %-12s %-9s %-9s %-4s %-20s %.8s%s\n", i->unit, i->order, state_name(i->state),
	       evidence_name(i->evidence), i->nest,
	       i->issued_at ? clock_format(i->issued_at, time) : "-", i->issued_at ? id : "-",
	       i->issued_at ? "…" : "");
}

static bool list_row(void *context, const struct issuance *issuance, struct err *e)
{
	struct listing *listing = context;
	AUTO(json) object = NULL;

	if (!listing->rows++ && !listing->a->json)
		printf("%-14s %-12s %-9s %-9s %-4s %-20s %s\n", "UNIT", "ORDER", "STATE",
		       "EVIDENCE", "NEST", "ISSUED", "CERT ID");
	if (!listing->a->json) {
		print_row(issuance);
		return true;
	}
	object = command_issuance_json(listing->station, issuance);
	if (!object)
		return err_set(e, ERR_SYSTEM, "no memory for a line");
	command_print(object);
	return true;
}

int list_command(const struct arguments *a)
{
	struct listing listing = { .a = a };
	struct err e;

	if (!command_station(&listing.station, &e) || !command_issuances(a, list_row, &listing, &e))
		return command_failed(&e);
	if (!listing.rows && !a->json)
		printf("no certificate yet\n");
	return 0;
}

struct showing {
	uint64_t issuance;
	bool json;
};

static void print_field(void *context, const char *name, enum entry_field_kind kind,
			struct bytes value, uint64_t number)
{
	(void)context;
	if (kind == FIELD_NUMBER) {
		printf("  %s %llu", name, (unsigned long long)number);
	} else if (kind == FIELD_TEXT) {
		if (value.len)
			printf("  %s \"%.*s\"", name, (int)value.len, (const char *)value.data);
	} else if (value.len && value.len <= SHA256_LEN) {
		char hex[2 * SHA256_LEN + 1];

		printf("  %s %s", name, hex_encode(value, hex));
	} else if (value.len) {
		printf("  %s (%zu bytes)", name, value.len);
	}
}

static bool show_entry(void *context, struct bytes data, struct err *e)
{
	const struct showing *showing = context;
	char time[CLOCK_TEXT_SIZE];
	struct entry entry;

	if (!entry_decode(data, &entry, e))
		return false;
	if (entry.number != showing->issuance && entry.issuance != showing->issuance)
		return true;
	printf("%8llu  %s  %-10s", (unsigned long long)entry.number,
	       clock_format(entry.time_s, time), entry_type_name(entry.type));
	entry_fields(&entry, print_field, NULL);
	printf("\n");
	return true;
}

static bool print_certificate(const struct issuance *issuance, struct err *e)
{
	struct request request = { .type = REQUEST_CERTIFICATE };
	struct reply reply;

	if (!issuance->issued_at)
		return true;
	memcpy(request.certificate_id, issuance->certificate_id, SHA256_LEN);
	return client_ask(&command_signer, &request, -1, &reply, e) &&
	       command_pem(stdout, "CERTIFICATE", reply.rows, e);
}

static bool show_one(const struct arguments *a, const char *station,
		     const struct issuance *issuance, struct err *e)
{
	struct showing showing = { .issuance = issuance->id };
	char serial[2 * SERIAL_MAX + 1], id[2 * SHA256_LEN + 1];
	AUTO(json) object = command_issuance_json(station, issuance);

	if (!object)
		return err_set(e, ERR_SYSTEM, "no memory for a line");
	if (a->json) {
		command_print(object);
		return true;
	}
	printf("unit %s  order %s  state %s\ncertificate serial %s\ncertificate id     %s\n",
	       issuance->unit, issuance->order, state_name(issuance->state),
	       hex_encode(bytes_of(issuance->serial, issuance->serial_len), serial),
	       hex_encode(BYTES(issuance->certificate_id), id));
	return client_entries(&command_signer, issuance->id - 1, show_entry, &showing, e) &&
	       print_certificate(issuance, e);
}

int show_command(const struct arguments *a)
{
	struct request request = { .type = REQUEST_FIND };
	struct issuance found[64];
	const char *station;
	struct reply reply;
	struct reader r;
	size_t count = 0;
	struct err e;

	if (strlen(a->operand) >= sizeof(request.after_text)) {
		err_set(&e, ERR_USAGE, "\"%s\" is too long for a unit, serial or certificate id",
			a->operand);
		return command_failed(&e);
	}
	strcpy(request.after_text, a->operand);
	if (!command_station(&station, &e) ||
	    !client_ask(&command_signer, &request, -1, &reply, &e))
		return command_failed(&e);
	r = (struct reader) { .data = reply.rows.data, .len = reply.rows.len };
	while (!r.bad && r.at < r.len && count < 64)
		issuance_read(&r, &found[count++]);
	for (size_t i = 0; i < count; i++)
		if (!show_one(a, station, &found[i], &e))
			return command_failed(&e);
	return 0;
}
