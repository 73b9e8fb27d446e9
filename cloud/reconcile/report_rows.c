/* The reports for programs: JSON, one object a line, and a table for a spreadsheet. */
#include "cloud/reconcile/report.h"

#include "base/clock.h"
#include "base/csv.h"
#include "base/hex.h"

#include <jansson.h>

#define JSON_CLASSES                                                                               \
	(1 << CLASS_LIVE | 1 << CLASS_REVOKED_THERE | 1 << CLASS_UNKNOWN | 1 << CLASS_PENDING |    \
	 1 << CLASS_INACTIVE | 1 << CLASS_UNSEEN)
#define ALL_CLASSES ((1 << CLASS_COUNT) - 1)

AUTO_DEFINE(json, json_t *, json_decref)

static json_t *time_of(int64_t time_s)
{
	char text[CLOCK_TEXT_SIZE];

	return time_s ? json_string(clock_format(time_s, text)) : json_null();
}

static json_t *text_of(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static json_t *hex_of(struct bytes id)
{
	char text[IOT_ID_SIZE];

	return json_string(hex_encode(id, text));
}

/* One object a line; takes over the reference. */
static bool print(json_t *taken, FILE *to, struct err *e)
{
	AUTO(json) object = taken;

	if (!object)
		return err_set(e, ERR_SYSTEM, "out of memory");
	return (!json_dumpf(object, to, JSON_COMPACT) && putc('\n', to) != EOF) ||
	       err_errno(e, ERR_SYSTEM, "cannot write the report");
}

/* --- JSON --- */

static const char *verdict_name(enum reconcile_verdict verdict)
{
	return verdict == RECONCILE_CLEAN	  ? "clean"
	       : verdict == RECONCILE_DIFFERENCES ? "differences"
						  : "alarm";
}

static json_t *ledgers_json(const struct reconcile_summary *s)
{
	json_t *array = json_array();

	for (size_t i = 0; i < s->ledger_count; i++) {
		const struct reconcile_ledger *l = &s->ledgers[i];
		uint8_t key[SHA256_LEN];

		reconcile_key_hash(l, key);
		json_array_append_new(
			array,
			json_pack("{ss so so sI sI sI si so so so sb}", "station", l->station,
				  "file", text_of(l->path), "ledger",
				  hex_of(BYTES(l->head.ledger_id)), "certificates",
				  (json_int_t)l->certificates, "entries", (json_int_t)l->head.size,
				  "missing", (json_int_t)l->missing, "epoch", (int)l->head.epoch,
				  "head_at", time_of(l->head.time_s), "older_head",
				  l->head_file ? time_of(l->head_file_time_s) : json_null(),
				  "head_key_sha256", hex_of(BYTES(key)), "other_key",
				  l->other_key));
	}
	return array;
}

static json_t *ca_json(const struct reconcile_ca *ca)
{
	return json_pack("{so sI sI sb so so so}", "ca_certificate_id", hex_of(BYTES(ca->id)),
			 "certificates", (json_int_t)ca->certificates, "unseen",
			 (json_int_t)ca->unseen, "left_out", ca->left_out, "registered",
			 ca->known ? json_boolean(ca->registered) : json_null(), "active",
			 ca->known ? json_boolean(ca->active) : json_null(), "auto_registration",
			 ca->known ? json_boolean(ca->auto_registration) : json_null());
}

static json_t *counts_json(const struct reconcile_summary *s)
{
	json_t *object = json_object();

	for (enum reconcile_class c = 0; c < CLASS_COUNT; c++)
		json_object_set_new(object, reconcile_class_name(c),
				    json_integer((json_int_t)s->counts[c]));
	return object;
}

/* By the days up to which: {"7":…,"30":…,"90":…,"365":…,"older":…} */
static json_t *ages_json(const struct reconcile_summary *s)
{
	json_t *object = json_object();
	char name[16] = "older";

	for (size_t i = 0; i < RECONCILE_AGES; i++) {
		if (i < RECONCILE_AGES - 1)
			snprintf(name, sizeof(name), "%u", reconcile_age_days[i]);
		else
			strcpy(name, "older");
		json_object_set_new(object, name, json_integer((json_int_t)s->unseen_by_age[i]));
	}
	return object;
}

static json_t *summary_json(const struct reconcile_summary *s)
{
	json_t *cas = json_array();

	for (size_t i = 0; i < s->ca_count; i++)
		json_array_append_new(cas, ca_json(&s->cas[i]));
	return json_pack("{ss so so so sI so so so sI so}", "verdict", verdict_name(s->verdict),
			 "at", time_of(s->now_s), "ledgers", ledgers_json(s), "cas", cas, "listed",
			 (json_int_t)s->listed, "counts", counts_json(s), "unseen_by_age",
			 ages_json(s), "foreign_listing", text_of(s->foreign), "other_cas",
			 (json_int_t)s->other_cas, "other_ca",
			 s->other_cas ? hex_of(BYTES(s->other_ca)) : json_null());
}

static bool row_json(void *context, const struct reconcile_row *row, struct err *e)
{
	json_t *object = json_pack(
		"{ss ss so so so so so so so so so}", "class", reconcile_class_name(row->class),
		"certificate_id", row->id, "unit", text_of(row->unit), "product",
		text_of(row->product), "order", text_of(row->order), "station",
		text_of(row->station), "ca_certificate_id", text_of(row->ca_id), "state",
		row->here ? json_string(state_name(row->here)) : json_null(), "status",
		row->there ? json_string(iot_status_name(row->there)) : json_null(), "issued_at",
		time_of(row->issued_s), "registered_at", time_of(row->registered_s));

	if (object && row->class == CLASS_UNKNOWN)
		json_object_set_new(object, "after_head", json_boolean(row->after_head));
	return print(object, context, e);
}

bool report_json(struct reconcile *r, FILE *to, struct err *e)
{
	return print(summary_json(reconcile_summary(r)), to, e) &&
	       reconcile_rows(r, JSON_CLASSES, row_json, to, e) && report_end(to, e);
}

/* --- CSV --- */

static void time_cell(FILE *to, int64_t time_s)
{
	char text[CLOCK_TEXT_SIZE];

	csv_cell(to, time_s ? clock_format(time_s, text) : "");
}

static bool row_csv(void *context, const struct reconcile_row *row, struct err *e)
{
	const char *cells[] = {
		reconcile_class_name(row->class),
		row->id,
		row->unit,
		row->product,
		row->order,
		row->station,
		row->ca_id,
		row->here ? state_name(row->here) : "",
		row->there ? iot_status_name(row->there) : "",
	};
	FILE *to = context;

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		csv_cell(to, cells[i]);
		putc(',', to);
	}
	time_cell(to, row->issued_s);
	putc(',', to);
	time_cell(to, row->registered_s);
	return putc('\n', to) != EOF || err_errno(e, ERR_SYSTEM, "cannot write the report");
}

bool report_csv(struct reconcile *r, FILE *to, struct err *e)
{
	fputs("class,certificate_id,unit,product,order,station,ca_certificate_id,state,status,"
	      "issued_at,registered_at\n",
	      to);
	return reconcile_rows(r, ALL_CLASSES, row_csv, to, e) && report_end(to, e);
}
