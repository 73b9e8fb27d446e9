#include "hsm/ceremony/ceremony_open.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/place.h"

#include <errno.h>

#define CLOCK_BACK_MAX_S 5 /* so much is forgiven, as the signer does */

bool ceremony_settings(struct settings *settings, struct err *e)
{
	char path[PATH_MAX];

	if (!place_path(PLACE_ETC, "signer.yaml", path, e))
		return false;
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "there is no %s: run imprint init first", path);
	return settings_load(path, settings, e);
}

static bool open_ledger(bool make, struct ledger **ret_ledger, struct err *e)
{
	char path[PATH_MAX];
	bool there, done;

	if (!place_path(PLACE_LIB_SIGNER, "ledger.db", path, e))
		return false;
	there = access(path, F_OK) == 0;
	if (!there && !make)
		return err_set(e, ERR_NOT_FOUND,
			       "there is no ledger yet: run imprint ca create first");
	done = (there || ledger_create(path, e)) && ledger_open(path, ret_ledger, e);
	if (!done && e->code == ERR_BUSY)
		err_set(e, ERR_BUSY,
			"stop the signer first: systemctl stop imprint-signer.socket (the ledger "
			"%s is in use)",
			path);
	return done;
}

static bool look_for_head(struct ceremony *c, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	size_t len;

	c->has_head = ledger_latest(c->ledger, ENTRY_LEDGER, &data, &len, e);
	return c->has_head || e->code == ERR_NOT_FOUND;
}

bool ceremony_time(const struct ledger *ledger, int64_t *ret_now_s, struct err *e)
{
	int64_t last_s = ledger_last_time(ledger), now_s = clock_wall_s();
	char text[CLOCK_TEXT_SIZE];

	if (last_s - now_s > CLOCK_BACK_MAX_S)
		return err_set(e, ERR_REFUSED,
			       "the clock stands before the ledger's last entry (%s): set it first",
			       clock_format(last_s, text));
	*ret_now_s = now_s < last_s ? last_s : now_s;
	return true;
}

bool ceremony_open(bool make, struct ceremony **ret_ceremony, struct err *e)
{
	AUTO(ceremony) c = calloc(1, sizeof(*c));

	if (!c)
		return err_set(e, ERR_SYSTEM, "no memory");
	if (!ceremony_settings(&c->settings, e) || !open_ledger(make, &c->ledger, e) ||
	    !look_for_head(c, e) || !ceremony_time(c->ledger, &c->now_s, e))
		return false;
	*ret_ceremony = TAKE(c);
	return true;
}

void ceremony_close(struct ceremony *c)
{
	if (!c)
		return;
	ledger_close(c->ledger);
	free(c);
}

bool ceremony_enter(struct ledger *ledger, int64_t now_s, struct entry *entries, size_t count,
		    struct err *e)
{
	if (!ledger_begin(ledger, e))
		return false;
	for (size_t i = 0; i < count; i++) {
		entries[i].time_s = now_s;
		if (!ledger_append(ledger, &entries[i], e)) {
			ledger_rollback(ledger);
			return false;
		}
	}
	return ledger_commit(ledger, e);
}

bool ceremony_append(struct ceremony *c, struct entry *entries, size_t count, struct err *e)
{
	return ceremony_enter(c->ledger, c->now_s, entries, count, e);
}

void ceremony_say_ca(const struct ca *ca, char *ret_text, size_t size)
{
	char id[2 * SHA256_LEN + 1], end[CLOCK_TEXT_SIZE];

	hex_encode(BYTES(ca->id), id);
	clock_format(ca->not_after, end);
	snprintf(ret_text, size, "CA accepted, ends %.*s, AWS id %.4s…%s\n", (int)strcspn(end, "T"),
		 end, id, id + sizeof(id) - 3);
}
