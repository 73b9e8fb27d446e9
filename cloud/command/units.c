#include "cloud/command/units.h"

#include "base/hex.h"

#define ROWS_AT_FIRST 1024

struct row {
	uint8_t id[SHA256_LEN];
	char unit[NAME_MAX_LEN + 1];
};

struct units {
	struct row *rows;
	size_t count, room;
};

void units_free(struct units *units)
{
	if (units)
		free(units->rows);
	free(units);
}

static bool make_room(struct units *units)
{
	size_t room = units->room ? 2 * units->room : ROWS_AT_FIRST;
	struct row *rows;

	if (units->count < units->room)
		return true;
	rows = reallocarray(units->rows, room, sizeof(*rows));
	if (!rows)
		return false;
	units->rows = rows;
	units->room = room;
	return true;
}

static bool add(void *context, const struct issuance *issuance, struct err *e)
{
	struct units *units = context;
	struct row *row;

	if (!issuance->issued_at)
		return true;
	if (!make_room(units))
		return err_set(e, ERR_SYSTEM, "no memory for the units");
	row = &units->rows[units->count++];
	memcpy(row->id, issuance->certificate_id, SHA256_LEN);
	memcpy(row->unit, issuance->unit, sizeof(row->unit));
	return true;
}

static int compare(const void *a, const void *b)
{
	return memcmp(((const struct row *)a)->id, ((const struct row *)b)->id, SHA256_LEN);
}

bool units_load(struct units **ret_units, struct err *e)
{
	AUTO(units) units = calloc(1, sizeof(*units));

	if (!units)
		return err_set(e, ERR_SYSTEM, "no memory for the units");
	if (!client_issuances(&cloud_signer, NULL, 0, add, units, e))
		return false;
	if (units->count)
		qsort(units->rows, units->count, sizeof(*units->rows), compare);
	*ret_units = TAKE(units);
	return true;
}

const char *units_find(const struct units *units, const char *id)
{
	const struct row *found = NULL;
	struct row key;

	if (units && units->count && hex_decode(id, key.id, sizeof(key.id)))
		found = bsearch(&key, units->rows, units->count, sizeof(key), compare);
	return found ? found->unit : "";
}
