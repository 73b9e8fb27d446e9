#include "serial/unchecked.h"

#include "serial/fault.h"
#include "serial/text.h"

#include <string.h>

static bool wake_up(void *state, void *context, int64_t deadline, struct err *e)
{
	struct unchecked *u = state;

	return u->ways->wake_up(u->state, context, deadline, e);
}

/* Where it agrees with what was said before, once is enough. */
static bool read_identity(void *state, void *context, int64_t deadline, struct err *e)
{
	struct unchecked *u = state;
	char *ret_unit = context, again[BOARD_TEXT_MAX + 1];

	if ((!u->awake && !wake_up(u, NULL, deadline, e)) ||
	    !u->ways->read_unit(u->state, ret_unit, deadline, e))
		return false;
	u->awake = true;
	if (u->identified && strcmp(ret_unit, u->unit) == 0)
		return true;
	if (!u->ways->read_unit(u->state, again, deadline, e))
		return false;
	return strcmp(ret_unit, again) == 0 ||
	       err_set(e, FAULT_GARBAGE, "it says its unit id differently each time");
}

bool unchecked_identify(struct unchecked *u, char ret_unit[static BOARD_TEXT_MAX + 1],
			int64_t deadline, struct err *e)
{
	char unit[BOARD_TEXT_MAX + 1];

	if (!line_insist(u->line, read_identity, wake_up, u, unit, deadline, e) ||
	    !text_same_unit(u->unit, &u->identified, unit, e))
		return err_add(e, "asking who it is");
	strcpy(ret_unit, unit);
	return true;
}

struct check {
	const struct board_file *file;
	bool read_back;
	bool differs; /* it is to be written again */
};

static bool try_check(void *state, void *context, int64_t deadline, struct err *e)
{
	struct check *check = context;
	struct unchecked *u = state;
	const struct unchecked_ways *ways = u->ways;
	const struct board_file *file = check->file;
	bool same = false;

	if (check->differs && !ways->rewrite(u->state, file, deadline, e))
		return err_add(e, "writing the %s again", file->name);
	check->differs = false;
	if (!ways->ask_list(u->state, deadline, e))
		return err_add(e, "comparing the %s", file->name);
	if (!ways->same_hash(u->state, file, &same, e)) {
		check->differs = e->code == FAULT_FLASH;
		return err_add(e, "comparing the %s", file->name);
	}
	check->differs = !same;
	if (!ways->check_key(u->state, deadline, e))
		return false;
	if (same && !check->read_back)
		return true;
	return ways->compare(u->state, file, deadline, e) &&
	       (same || err_set(e, FAULT_FLASH,
				"the flash did not keep the %s: %s SHA-256 differs, though every "
				"byte reads right",
				file->name, ways->whose));
}

bool unchecked_verify(struct unchecked *u, const struct board_file *file, bool read_back,
		      int64_t deadline, struct err *e)
{
	struct check check = { .file = file, .read_back = read_back };

	return line_insist(u->line, try_check, wake_up, u, &check, deadline, e);
}
