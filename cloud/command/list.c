/* list: what AWS has registered of a CA, oldest first. */
#include "cloud/command/target.h"
#include "cloud/command/units.h"

#define PROGRESS_EVERY 250

struct listing {
	const struct arguments *a;
	const struct units *units;
	uint64_t count;
	bool progress, terminal;
};

static void show_progress(const struct listing *listing, const char *end)
{
	if (listing->progress)
		fprintf(stderr, "\r%llu certificates%s", (unsigned long long)listing->count, end);
}

/* Where no signer runs, or it may not be asked, the list has no units. */
static void load_units(struct units **ret_units)
{
	struct err e;

	if (units_load(ret_units, &e))
		return;
	if (e.code == ERR_NOT_FOUND)
		fputs("imprint: no signer runs here, so there is no ledger to name the units\n",
		      stderr);
	else {
		err_add(&e, "the units are not shown");
		cloud_failed(&e);
	}
}

/* A person knows a certificate by its unit: so a line fits 80 columns. */
static void print_line(const struct listing *listing, const struct iot_certificate *c,
		       const char *unit)
{
	char time[CLOCK_TEXT_SIZE];

	cloud_time(c->created_s, time);
	if (listing->terminal && *unit)
		printf("%-18s  %-20s  %.8s…  %s\n", iot_status_name(c->status), time, c->id, unit);
	else if (listing->terminal)
		printf("%-18s  %-20s%s\n    %s\n", iot_status_name(c->status), time,
		       listing->units ? "  no unit is known:" : "", c->id);
	else
		printf("%s  %-18s  %-20s  %s\n", c->id, iot_status_name(c->status), time, unit);
}

static bool print_certificate(void *context, const struct iot_certificate *c, struct err *e)
{
	struct listing *listing = context;
	const char *unit = units_find(listing->units, c->id);
	AUTO(json) object = NULL;

	if (++listing->count % PROGRESS_EVERY == 0)
		show_progress(listing, "");
	if (!listing->a->json) {
		print_line(listing, c, unit);
		return !ferror(stdout) || err_set(e, ERR_SYSTEM, "nobody reads the list");
	}
	object = json_pack("{ss ss so so}", "certificate_id", c->id, "status",
			   iot_status_name(c->status), "registered_at",
			   cloud_time_json(c->created_s), "unit",
			   *unit ? json_string(unit) : json_null());
	return cloud_print(object) == CLOUD_DONE || err_set(e, ERR_SYSTEM, "the list ends here");
}

int list_certificates_command(const struct arguments *a)
{
	struct listing listing = { .a = a };
	AUTO_CA_TARGET ca = { 0 };
	AUTO(units) units = NULL;
	AUTO(iot) iot = NULL;
	struct err e;
	bool done;

	listing.terminal = isatty(STDOUT_FILENO);
	listing.progress = isatty(STDERR_FILENO) && !listing.terminal;
	if (!ca_target_find(a, &ca, &e) || !iot_open(&a->account, &iot, &e))
		return cloud_failed(&e);
	load_units(&units);
	listing.units = units;
	done = iot_list(iot, ca.id, print_certificate, &listing, &e);
	show_progress(&listing, "\n");
	if (!done)
		return cloud_failed(&e);
	if (listing.count == 0 && !a->json)
		printf("AWS has no certificate of the CA %.8s… yet\n", ca.id);
	return CLOUD_DONE;
}
