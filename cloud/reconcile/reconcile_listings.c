/* The side of AWS IoT: what is registered there, from files or asked for. */
#include "cloud/reconcile/reconcile_inside.h"

#include "base/hex.h"
#include "cloud/reconcile/listing.h"

struct listing_reading {
	struct reconcile *r;
	const char *name;
	uint8_t ca;
	uint64_t listed, known;
};

static bool twice(const struct table_row *row, enum iot_status status, struct err *e)
{
	char id[IOT_ID_SIZE];

	return err_set(e, ERR_INVALID,
		       "%s was listed before as %s, and now as %s: listings of different times do "
		       "not go together; list again, all at once",
		       hex_encode(BYTES(row->id), id), iot_status_name(row->status),
		       iot_status_name(status));
}

/* One that no ledger knows. */
static bool add_unknown(struct listing_reading *reading, const struct listing_certificate *c,
			struct table_row **ret_row, struct err *e)
{
	struct reconcile *r = reading->r;
	bool is_new;

	if (r->table.count - r->first_rows[r->summary.ledger_count] == RECONCILE_UNKNOWN_MAX) {
		r->unknown_dropped++;
		*ret_row = NULL;
		return true;
	}
	if (!table_add(&r->table, ret_row, e))
		return false;
	memcpy((*ret_row)->id, c->id, SHA256_LEN);
	(*ret_row)->ca = reading->ca & TABLE_NO_CA;
	return table_enter(&r->table, *ret_row, &is_new, e);
}

static bool take_certificate(void *context, const struct listing_certificate *c, struct err *e)
{
	struct listing_reading *reading = context;
	struct table_row *row = table_find(&reading->r->table, c->id);

	reconcile_tell(reading->r, reading->name, "certificate");
	if (row && row->status)
		return row->status == c->status || twice(row, c->status, e);
	reading->r->summary.listed++;
	reading->listed++;
	reading->known += !!row;
	if (!row && !add_unknown(reading, c, &row, e))
		return false;
	if (row) {
		row->status = c->status & 7;
		row->registered_s = reconcile_seconds(c->created_s);
	}
	return true;
}

static bool take_ca(void *context, const struct listing_ca *given, struct err *e)
{
	struct listing_reading *reading = context;
	struct reconcile *r = reading->r;
	struct reconcile_ca *ca;
	char id[IOT_ID_SIZE];
	uint8_t number;

	if (!reconcile_ca_number(r, given->id, false, &number, e))
		return err_set(e, ERR_INVALID, "it describes the CA %s, which no ledger names",
			       hex_encode(BYTES(given->id), id));
	ca = &r->summary.cas[number];
	if (ca->known &&
	    (ca->active != given->active || ca->auto_registration != given->auto_registration))
		return err_set(e, ERR_INVALID,
			       "the CA %s is described twice, and not the same; describe it again",
			       hex_encode(BYTES(given->id), id));
	ca->known = ca->registered = true;
	ca->active = given->active;
	ca->auto_registration = given->auto_registration;
	return true;
}

static void remember_foreign(const struct listing_reading *reading)
{
	if (reading->listed > RECONCILE_HANDFUL && !reading->known)
		reading->r->summary.foreign = reading->name;
}

bool reconcile_listing(struct reconcile *r, const char *path, struct err *e)
{
	static const struct listing_calls calls = { take_certificate, take_ca };
	struct listing_reading reading = { .r = r, .name = path, .ca = TABLE_NO_CA };
	bool done = listing_read(path, &calls, &reading, e);

	reconcile_told(r);
	if (done)
		remember_foreign(&reading);
	return done;
}

/* --- AWS itself --- */

static bool take_listed(void *context, const struct iot_certificate *c, struct err *e)
{
	struct listing_certificate certificate = { .status = c->status, .created_s = c->created_s };

	if (!hex_decode(c->id, certificate.id, SHA256_LEN))
		return err_set(e, ERR_INVALID, "AWS IoT lists \"%s\", which is no certificate id",
			       c->id);
	return take_certificate(context, &certificate, e);
}

static bool describe(struct iot *iot, const char *id, struct reconcile_ca *ca, struct err *e)
{
	AUTO_FREE struct iot_ca *described = malloc(sizeof(*described));

	if (!described)
		return err_set(e, ERR_SYSTEM, "out of memory");
	ca->known = true;
	if (!iot_describe_ca(iot, id, described, e))
		return e->code == ERR_NOT_FOUND; /* not registered there: an answer */
	ca->registered = true;
	ca->active = described->active;
	ca->auto_registration = described->auto_registration;
	return true;
}

static bool look_at_ca(void *context, const struct iot_certificate *ca, struct err *e)
{
	struct reconcile *r = context;
	uint8_t id[SHA256_LEN], number;
	struct err unknown;

	if (!hex_decode(ca->id, id, SHA256_LEN))
		return err_set(e, ERR_INVALID, "AWS IoT lists \"%s\", which is no CA's id", ca->id);
	if (reconcile_ca_number(r, id, false, &number, &unknown))
		return true;
	if (r->summary.other_cas++ == 0)
		memcpy(r->summary.other_ca, id, SHA256_LEN);
	return true;
}

/* A ledger that is missing, or cut off before its last CA, hides all of that CA's certificates. */
static bool look_for_cas(struct reconcile *r, struct iot *iot, struct err *e)
{
	if (iot_list_cas(iot, look_at_ca, r, e))
		return true;
	if (e->code != ERR_REFUSED)
		return false;
	fprintf(stderr, "imprint: whether the account has other CAs is not known: %s\n", e->text);
	return true;
}

bool reconcile_aws(struct reconcile *r, struct iot *iot, struct err *e)
{
	r->asked = true;
	if (!look_for_cas(r, iot, e))
		return false;
	for (size_t i = 0; i < r->summary.ca_count; i++) {
		struct reconcile_ca *ca = &r->summary.cas[i];
		struct listing_reading reading = { .r = r, .name = "AWS IoT", .ca = (uint8_t)i };
		char id[IOT_ID_SIZE];
		bool done;

		hex_encode(BYTES(ca->id), id);
		if (!describe(iot, id, ca, e))
			return false;
		/* Its certificates live on when a CA is deleted. */
		done = iot_list(iot, id, take_listed, &reading, e) ||
		       (!ca->registered && e->code == ERR_NOT_FOUND);
		reconcile_told(r);
		if (!done)
			return false;
		remember_foreign(&reading);
	}
	return reconcile_look_again(r, e);
}
