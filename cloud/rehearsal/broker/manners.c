#include "cloud/rehearsal/broker/manners.h"

#include <stdio.h>
#include <string.h>

static struct manners_entry *find(struct manners *m, const char *key)
{
	for (size_t i = 0; i < MANNERS_MAX; i++)
		if (*m->entries[i].key &&
		    strncmp(m->entries[i].key, key, MANNERS_KEY_SIZE - 1) == 0)
			return &m->entries[i];
	return NULL;
}

static struct manners_entry *take_oldest(struct manners *m)
{
	struct manners_entry *oldest = &m->entries[0];

	for (size_t i = 0; i < MANNERS_MAX; i++) {
		if (!*m->entries[i].key)
			return &m->entries[i];
		if (m->entries[i].last_ms < oldest->last_ms)
			oldest = &m->entries[i];
	}
	return oldest;
}

static struct manners_entry *entry_of(struct manners *m, const char *key, int64_t now_ms)
{
	struct manners_entry *entry = find(m, key);

	if (entry)
		return entry;
	entry = take_oldest(m);
	*entry = (struct manners_entry) { .first_ms = now_ms };
	snprintf(entry->key, sizeof(entry->key), "%s", key);
	return entry;
}

static bool tell(struct manners_entry *entry, int64_t now_ms)
{
	if (entry->told && now_ms - entry->told_ms < MANNERS_TELL_MS)
		return false;
	entry->told = true;
	entry->told_ms = now_ms;
	return true;
}

/* The least time over which so many attempts may be spread. */
static int64_t due_ms(uint32_t attempts)
{
	int64_t sum_ms = 0, pause_ms = 1000;

	for (attempts--; attempts && pause_ms < MANNERS_PAUSE_MAX_MS; attempts--, pause_ms *= 2)
		sum_ms += pause_ms;
	return (sum_ms + attempts * pause_ms) / 4;
}

bool manners_refused(struct manners *m, const char *certificate_id, int64_t now_ms,
		     uint32_t *ret_attempts, int64_t *ret_elapsed_ms)
{
	struct manners_entry *entry = entry_of(m, certificate_id, now_ms);

	if (entry->attempts == 0 || now_ms - entry->last_ms >= MANNERS_QUIET_MS) {
		entry->first_ms = now_ms;
		entry->attempts = 0;
	}
	entry->last_ms = now_ms;
	if (entry->attempts < UINT32_MAX)
		entry->attempts++;
	if (entry->attempts < MANNERS_ATTEMPTS_MIN ||
	    now_ms - entry->first_ms >= due_ms(entry->attempts) || !tell(entry, now_ms))
		return false;
	*ret_attempts = entry->attempts;
	*ret_elapsed_ms = now_ms - entry->first_ms;
	return true;
}

void manners_accepted(struct manners *m, const char *certificate_id)
{
	struct manners_entry *entry = find(m, certificate_id);

	if (entry)
		entry->attempts = 0;
}

bool manners_may_tell(struct manners *m, const char *key, int64_t now_ms)
{
	struct manners_entry *entry = entry_of(m, key, now_ms);

	entry->last_ms = now_ms;
	return tell(entry, now_ms);
}
