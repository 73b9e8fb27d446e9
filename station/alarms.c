#include "station/alarms.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>

static const struct {
	const char *code, *remedy;
} kinds[ALARM_COUNT] = {
	[ALARM_SIGNER] = { "signer",
			   "Start imprint-signer, or see its log; boards wait meanwhile." },
	[ALARM_SIGNING] = { "signing", "Do what the sentence says; nothing is issued until then." },
	[ALARM_TOKEN] = { "token",
			  "Check that the token is plugged in; the signer opens it again by "
			  "itself. If it stays, or a PIN was refused, call the technician." },
	[ALARM_DISK] = { "disk", "Free space on the disk of the station's lib folder: without room "
				 "for its record no run passes." },
	[ALARM_SIGNER_DISK] = { "ledger-disk",
				"Free space on the disk that holds the ledger: below "
				"64 MB nothing is issued." },
	[ALARM_CLOCK] = { "clock", "Check the network and NTP= in /etc/systemd/timesyncd.conf; "
				   "until then times may be wrong." },
	[ALARM_NEST_STOPPED] = { "nest-stopped", "Clean or change the probes of the nest; then a "
						 "supervisor frees it." },
	[ALARM_JIG_STOP] = { "jig-stop", "Mend what the sentence says, then RESET." },
	[ALARM_ORDER_LOW] = { "order-low", "Have the next order ready: a supervisor opens it with "
					   "imprint order open." },
	[ALARM_ORDER_USED] = { "order-used", "A supervisor raises the quantity or puts the next "
					     "order in use: imprint order use ID" },
	[ALARM_CA_ENDS] = { "ca-ends", "Tell the owner: the station needs its next CA before that "
				       "day." },
	[ALARM_RECORD] = { "record", "Free space on the disk of the station; run the board again, "
				     "for its run is not on record." },
	[ALARM_GOLDEN_DUE] = { "golden-due", "Put the golden unit in and run it in golden mode." },
	[ALARM_GOLDEN_FAIL] = { "golden-fail", "Make nothing more here: check probes and cables of "
					       "the nest, then run the golden unit again." },
};

/* Three of them are of a nest. One that gave way while it stands would be raised anew for ever. */
_Static_assert(ALARMS_MAX >= ALARM_COUNT + 3 * CONTROL_NESTS_MAX, "all may stand at once");

struct entry {
	struct control_alarm shown;
	enum alarm alarm;
};

struct alarms {
	pthread_mutex_t mutex;
	struct entry entries[ALARMS_MAX]; /* their numbers rise */
	size_t count;
	uint64_t number; /* of the newest */
};

bool alarms_new(struct alarms **ret_alarms, struct err *e)
{
	struct alarms *alarms = calloc(1, sizeof(*alarms));

	if (!alarms)
		return err_set(e, ERR_SYSTEM, "no memory for the alarms");
	pthread_mutex_init(&alarms->mutex, NULL);
	*ret_alarms = alarms;
	return true;
}

void alarms_free(struct alarms *alarms)
{
	if (!alarms)
		return;
	pthread_mutex_destroy(&alarms->mutex);
	free(alarms);
}

const char *alarms_code(enum alarm alarm)
{
	return kinds[alarm].code;
}

static struct entry *find(struct alarms *alarms, enum alarm alarm, const char *nest)
{
	for (size_t i = 0; i < alarms->count; i++)
		if (alarms->entries[i].alarm == alarm &&
		    strcmp(alarms->entries[i].shown.nests, nest) == 0)
			return &alarms->entries[i];
	return NULL;
}

/* Who gives way: the oldest that is over and acknowledged, or is over, or the oldest of all. */
static size_t least_needed(const struct alarms *alarms)
{
	size_t over = ALARMS_MAX;

	for (size_t i = 0; i < alarms->count; i++) {
		const struct control_alarm *a = &alarms->entries[i].shown;

		if (!a->active && a->acknowledged_at)
			return i;
		if (!a->active && over == ALARMS_MAX)
			over = i;
	}
	return over == ALARMS_MAX ? 0 : over;
}

static struct entry *add(struct alarms *alarms, enum alarm alarm, const char *nest)
{
	struct entry *entry;

	if (alarms->count == ALARMS_MAX) {
		size_t i = least_needed(alarms);

		alarms->count--;
		memmove(&alarms->entries[i], &alarms->entries[i + 1],
			(alarms->count - i) * sizeof(alarms->entries[0]));
	}
	entry = &alarms->entries[alarms->count++];
	*entry = (struct entry) { .alarm = alarm, .shown = { .number = ++alarms->number } };
	control_copy_text(entry->shown.code, sizeof(entry->shown.code), kinds[alarm].code);
	control_copy_text(entry->shown.remedy, sizeof(entry->shown.remedy), kinds[alarm].remedy);
	control_copy_text(entry->shown.nests, sizeof(entry->shown.nests), nest);
	return entry;
}

static void log_alarm(int level, const char *phrase, const struct control_alarm *a)
{
	char person[sizeof(a->person)], text[sizeof(a->text)];

	log_event(level, phrase,
		  "number=%" PRIu64 " code=%s nest=\"%s\" count=%" PRIu64
		  " person=\"%s\" text=\"%s\"",
		  a->number, a->code, a->nests, a->count,
		  log_text(a->person, person, sizeof(person)),
		  log_text(a->text, text, sizeof(text)));
}

/* One that a person has seen and that is raised again wants to be seen again. */
static void raise_locked(struct alarms *alarms, enum alarm alarm, const char *nest,
			 const char *text)
{
	struct entry *entry = find(alarms, alarm, nest);

	if (!entry)
		entry = add(alarms, alarm, nest);
	control_copy_text(entry->shown.text, sizeof(entry->shown.text), text);
	entry->shown.raised_at = clock_wall_s();
	entry->shown.acknowledged_at = 0;
	entry->shown.person[0] = '\0';
	entry->shown.active = 1;
	entry->shown.count++;
	log_alarm(LOG_WARNING, "alarm raised", &entry->shown);
}

static void clear_locked(struct alarms *alarms, enum alarm alarm, const char *nest)
{
	struct entry *entry = find(alarms, alarm, nest);

	if (!entry || !entry->shown.active)
		return;
	entry->shown.active = 0;
	log_alarm(LOG_INFO, "alarm over", &entry->shown);
}

void alarms_raise(struct alarms *alarms, enum alarm alarm, const char *nest, const char *text)
{
	AUTO(lock) lock = lock_take(&alarms->mutex);

	raise_locked(alarms, alarm, nest, text);
}

void alarms_clear(struct alarms *alarms, enum alarm alarm, const char *nest)
{
	AUTO(lock) lock = lock_take(&alarms->mutex);

	clear_locked(alarms, alarm, nest);
}

void alarms_hold(struct alarms *alarms, enum alarm alarm, const char *nest, bool stands,
		 const char *text)
{
	AUTO(lock) lock = lock_take(&alarms->mutex);
	struct entry *entry = find(alarms, alarm, nest);

	if (!stands)
		clear_locked(alarms, alarm, nest);
	else if (entry && entry->shown.active)
		control_copy_text(entry->shown.text, sizeof(entry->shown.text), text);
	else
		raise_locked(alarms, alarm, nest, text);
}

static void acknowledge_locked(struct entry *entry, const char *person)
{
	if (entry->shown.acknowledged_at)
		return;
	entry->shown.acknowledged_at = clock_wall_s();
	control_copy_text(entry->shown.person, sizeof(entry->shown.person), person);
	log_alarm(LOG_NOTICE, "alarm acknowledged", &entry->shown);
}

bool alarms_acknowledge(struct alarms *alarms, uint64_t number, const char *person, struct err *e)
{
	AUTO(lock) lock = lock_take(&alarms->mutex);
	bool found = number == 0;

	for (size_t i = 0; i < alarms->count; i++) {
		if (number && alarms->entries[i].shown.number != number)
			continue;
		acknowledge_locked(&alarms->entries[i], person);
		found = true;
	}
	return found ||
	       err_set(e, ERR_NOT_FOUND,
		       "there is no alarm %" PRIu64 "; imprint alarms shows all of them", number);
}

bool alarms_next(struct alarms *alarms, uint64_t after, struct control_alarm *ret_alarm)
{
	AUTO(lock) lock = lock_take(&alarms->mutex);

	for (size_t i = 0; i < alarms->count; i++) {
		if (alarms->entries[i].shown.number > after) {
			*ret_alarm = alarms->entries[i].shown;
			return true;
		}
	}
	return false;
}

uint64_t alarms_open(struct alarms *alarms)
{
	AUTO(lock) lock = lock_take(&alarms->mutex);
	uint64_t count = 0;

	for (size_t i = 0; i < alarms->count; i++)
		count += alarms->entries[i].shown.acknowledged_at == 0;
	return count;
}
