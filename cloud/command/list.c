/* list: what AWS has registered of a CA, oldest first. */
#include "cloud/command/target.h"

#include "base/clock.h"

#define PROGRESS_EVERY 250

struct listing {
	const struct arguments *a;
	uint64_t count;
	bool progress, no_units;
};

static void show_progress(const struct listing *listing)
{
	if (listing->progress)
		fprintf(stderr, "\r%llu certificates", (unsigned long long)listing->count);
}

/* A signer that may not be asked costs the units, not the list: said once. */
static void find_unit(struct listing *listing, const char *id, char unit[static NAME_MAX_LEN + 1])
{
	struct err e;

	*unit = '\0';
	if (listing->no_units || target_unit(id, unit, &e))
		return;
	listing->no_units = true;
	err_add(&e, "the units are not shown");
	cloud_failed(&e);
}

static bool print_certificate(void *context, const struct iot_certificate *c, struct err *e)
{
	char unit[NAME_MAX_LEN + 1], time[CLOCK_TEXT_SIZE];
	struct listing *listing = context;
	AUTO(json) object = NULL;

	find_unit(listing, c->id, unit);
	if (++listing->count % PROGRESS_EVERY == 0)
		show_progress(listing);
	if (!listing->a->json) {
		printf("%s  %-18s  %-20s  %s\n", c->id, iot_status_name(c->status),
		       cloud_time(c->created_s, time), unit);
		return true;
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
	AUTO(iot) iot = NULL;
	struct err e;
	bool done;

	listing.progress = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO);
	if (!ca_target_find(a, &ca, &e) || !iot_open(&a->account, &iot, &e))
		return cloud_failed(&e);
	done = iot_list(iot, ca.id, print_certificate, &listing, &e);
	show_progress(&listing);
	if (listing.progress)
		fputc('\n', stderr);
	if (!done)
		return cloud_failed(&e);
	if (listing.count == 0 && !a->json)
		printf("AWS has no certificate of the CA %.8s… yet\n", ca.id);
	return CLOUD_DONE;
}
