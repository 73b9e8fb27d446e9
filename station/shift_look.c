#include "station/shift.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <sys/statvfs.h>

#define LOOK_EVERY_MS 1000
#define ASK_EVERY_MS 5000 /* the signer, while nobody watches */
#define DISK_WARN_MB 512
#define DISK_BAD_MB 64 /* the signer reserves nothing below that */
#define MB (1024 * 1024)
#define LOW_PART 20 /* an order is nearly used when a twentieth is left */
#define HOUR_S 3600

static void __attribute__((format(printf, 5, 6)))
hold(const struct shift *s, enum alarm alarm, const char *nest, bool stands, const char *format,
     ...)
{
	char text[CONTROL_TEXT_MAX + 1];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	alarms_hold(s->config->alarms, alarm, nest, stands, text);
}

/* --- what is looked at --- */

static enum control_health health_of_mb(uint64_t free_mb)
{
	return free_mb < DISK_BAD_MB	? HEALTH_BAD
	       : free_mb < DISK_WARN_MB ? HEALTH_WARN
					: HEALTH_OK;
}

static void look_at_disk(struct shift *s)
{
	struct statvfs disk;
	uint64_t free_mb;

	if (fstatvfs(s->config->lib_fd, &disk) < 0)
		return;
	free_mb = disk.f_bavail * disk.f_frsize / MB;
	s->disk = health_of_mb(free_mb);
	hold(s, ALARM_DISK, "", s->disk != HEALTH_OK,
	     "The disk of the station has %" PRIu64 " MB left.", free_mb);
}

/* Once there is room, the runs that are missing in the record are written here. */
static void look_at_record(struct shift *s)
{
	struct err e = { 0 };
	bool whole = runs_settle(s->config->runs, &e);

	control_copy_text(s->record_trouble, sizeof(s->record_trouble), whole ? "" : e.text);
	hold(s, ALARM_RECORD, "", !whole, "%s", e.text);
}

static void look_at_clock(struct shift *s)
{
	static const enum control_health healths[] = { [CLOCK_UNKNOWN] = HEALTH_NONE,
						       [CLOCK_UNSYNCHRONISED] = HEALTH_WARN,
						       [CLOCK_SYNCHRONISED] = HEALTH_OK };

	s->clock = healths[clock_sync()];
	hold(s, ALARM_CLOCK, "", s->clock == HEALTH_WARN,
	     "The clock of the station is not synchronised.");
}

static void look_at_order(const struct shift *s, const struct signer_status *status)
{
	uint64_t left = status->used < status->quantity ? status->quantity - status->used : 0;
	bool in_use = *status->order;

	hold(s, ALARM_ORDER_USED, "", in_use && left == 0,
	     "Order %s is used up: %" PRIu64 " of %" PRIu64 ".", status->order, status->used,
	     status->quantity);
	hold(s, ALARM_ORDER_LOW, "",
	     in_use && left > 0 && status->used > 0 &&
		     left <= (status->quantity + LOW_PART - 1) / LOW_PART,
	     "Order %s has %" PRIu64 " of %" PRIu64 " left.", status->order, left,
	     status->quantity);
}

static void look_at_token(const struct shift *s, const struct signer_status *status)
{
	if (*status->ca_subject && !status->token_ok)
		hold(s, ALARM_TOKEN, "", true, "The token does not answer.");
	else
		hold(s, ALARM_TOKEN, "", status->signing_s >= TOKEN_SLOW_S,
		     "The token has been busy with one signature for %" PRIu64 " s; boards wait.",
		     status->signing_s);
}

static void look_at_signer(struct shift *s)
{
	const struct overview *o = s->overview;
	const struct signer_status *status = &o->status;
	bool away = *o->trouble, has_ca = *status->ca_subject;

	if (o->answered_at == 0)
		return;
	hold(s, ALARM_SIGNER, "", away, "%s", o->trouble);
	s->ledger_disk = away ? HEALTH_NONE : health_of_mb(status->disk_free_mb);
	if (away)
		return; /* the rest is not known */
	look_at_token(s, status);
	hold(s, ALARM_SIGNING, "", *status->trouble, "%s", status->trouble);
	hold(s, ALARM_SIGNER_DISK, "", s->ledger_disk != HEALTH_OK,
	     "The disk of the ledger has %" PRIu64 " MB left.", status->disk_free_mb);
	hold(s, ALARM_CA_ENDS, "", has_ca && status->ca_ends - clock_wall_s() < CA_WARN_S,
	     "The CA ends in %" PRId64 " days.", (status->ca_ends - clock_wall_s()) / 86400);
	look_at_order(s, status);
}

/* The part of the product that the boards of that nest have. */
static bool wants_label(const struct shift *s, size_t index)
{
	const char *name = s->overview->status.product;
	struct station_product product;
	struct err e;

	return *name &&
	       catalogue_get(s->config->catalogue, name, s->config->settings->nests[index].driver,
			     &product, &e) &&
	       (product.label || product.unit_source == SOURCE_LABEL);
}

void shift_look_at_labels(struct shift *s)
{
	s->labelled = s->unlabelled = 0;
	for (size_t i = 0; i < s->config->settings->nest_count; i++) {
		struct control_nest nest;

		if (!wants_label(s, i))
			continue;
		s->labelled |= UINT64_C(1) << i;
		box_show(nest_box(s->config->nests[i]), &nest);
		if (!*nest.label && (nest.state == CONTROL_READY ||
				     (nest.state == CONTROL_ENDED && nest.outcome != OUTCOME_PASS)))
			s->unlabelled |= UINT64_C(1) << i;
	}
}

static void look_at_nests(struct shift *s)
{
	for (size_t i = 0; i < s->config->settings->nest_count; i++) {
		const char *name = s->config->settings->nests[i].name;
		bool stopped = box_state_now(nest_box(s->config->nests[i])) == CONTROL_STOPPED;

		hold(s, ALARM_NEST_STOPPED, name, stopped,
		     "Units failed in nest %s one after the other; it is stopped.", name);
	}
	shift_look_at_labels(s);
}

static void look_at_golden(struct shift *s)
{
	const struct station_work *work = &s->config->settings->work;
	struct runs_counts counts;
	int64_t since_s;

	if (work->golden_every_hours == 0)
		return;
	runs_count(s->config->runs, "", 0, &counts);
	since_s = clock_wall_s() - counts.golden_passed_at;
	/* One that passes in the future did so by a wrong clock. */
	s->golden_due = since_s >= (int64_t)work->golden_every_hours * HOUR_S || since_s < -HOUR_S;
	hold(s, ALARM_GOLDEN_DUE, "", s->golden_due, "No golden unit has passed for %u hours.",
	     work->golden_every_hours);
}

static void look_at_person(struct shift *s)
{
	int64_t began = station_shift_began(s->config->settings, clock_wall_s());
	int64_t idle_ms = clock_monotonic_ms() - s->active_at;
	struct control_badge badge;

	if (people_now(s->config->people, &badge)) {
		if (began != s->began)
			people_logout(s->config->people, "the shift has ended");
		else if (idle_ms >= (int64_t)s->config->settings->work.login_idle_min * 60000)
			people_logout(s->config->people, "nothing was done for a while");
	}
	s->began = began;
}

/* Of the jig: what stopped it, as the cycle says. */
static void look_at_jig(struct shift *s)
{
	struct control_station jig = { 0 };
	bool stopped;

	if (!s->config->cycle)
		return;
	cycle_show(s->config->cycle, &jig);
	stopped = jig.phase == PHASE_STOPPED;
	s->jig = !stopped					  ? HEALTH_OK
		 : jig.stop == STOP_BUS || jig.stop == STOP_STALE ? HEALTH_BAD
								  : HEALTH_WARN;
	hold(s, ALARM_JIG_STOP, "", stopped, "The jig is stopped: %s", jig.stop_text);
}

void shift_turn(struct shift *s)
{
	int64_t now = clock_monotonic_ms();

	if (s->looked_at && now - s->looked_at < LOOK_EVERY_MS)
		return;
	s->looked_at = now;
	if (now - s->overview->asked_at >= ASK_EVERY_MS)
		overview_ask(s->overview);
	look_at_person(s);
	look_at_disk(s);
	look_at_record(s);
	look_at_clock(s);
	look_at_signer(s);
	look_at_nests(s);
	look_at_golden(s);
	look_at_jig(s);
}
