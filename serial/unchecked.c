#include "serial/unchecked.h"

#include "serial/fault.h"
#include "serial/text.h"

#include <string.h>

static bool wake_up(void *state, void *context, int64_t deadline, struct err *e)
{
	struct unchecked *u = state;

	u->list[0] = '\0';
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

/* --- what the board holds --- */

const char *unchecked_find(const char *list, const char *mark)
{
	while (list && strncmp(list, mark, strlen(mark)) != 0) {
		list = strchr(list, '\n');
		list = list ? list + 1 : NULL;
	}
	return list ? list + strlen(mark) : NULL;
}

static bool no_hash(const struct unchecked *u, struct err *e)
{
	return err_set(e, FAULT_ANSWER, "%s's answer makes no sense: no SHA-256 in its list",
		       u->ways->board);
}

static bool ask_list(struct unchecked *u, int64_t deadline, struct err *e)
{
	const struct line *line = u->line;

	if (*u->list)
		return true;
	if (!u->ways->ask_list(u->state, deadline, e))
		return false;
	if (line->answer_len > UNCHECKED_LIST_MAX)
		return no_hash(u, e);
	if (!*line->answer)
		return err_set(e, FAULT_FLASH, "%s lists nothing under sec_tag %u", u->ways->board,
			       u->sec_tag);
	strcpy(u->list, line->answer);
	return true;
}

/* FAULT_FLASH: it is not there. */
static bool same_hash(const struct unchecked *u, const struct board_file *file, bool *ret_same,
		      struct err *e)
{
	char mark[UNCHECKED_MARK_SIZE];
	uint8_t sha256[sizeof(file->sha256)];
	const char *from;

	u->ways->put_mark(u->state, file->target, mark);
	from = unchecked_find(u->list, mark);
	if (!from)
		return err_set(e, FAULT_FLASH, "the flash did not keep the %s: it is not there",
			       file->name);
	if (!u->ways->take_hash(from, sha256))
		return no_hash(u, e);
	*ret_same = memcmp(sha256, file->sha256, sizeof(sha256)) == 0;
	return true;
}

static bool compare(struct unchecked *u, const struct board_file *file, int64_t deadline,
		    struct err *e)
{
	uint8_t data[LINE_TEXT_MAX];
	size_t len;

	if (!u->ways->read(u->state, file, data, &len, deadline, e))
		return err_add(e, "reading the %s back", file->name);
	for (size_t i = 0; i < len && i < file->content.len; i++)
		if (data[i] != file->content.data[i])
			return err_set(e, FAULT_FLASH,
				       "the flash did not keep the %s (byte %zu differs)",
				       file->name, i);
	return len == file->content.len ||
	       err_set(e, FAULT_FLASH, "the flash did not keep the %s (%zu bytes instead of %zu)",
		       file->name, len, file->content.len);
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
	if (!ask_list(u, deadline, e))
		return err_add(e, "comparing the %s", file->name);
	if (!same_hash(u, file, &same, e)) {
		check->differs = e->code == FAULT_FLASH;
		return err_add(e, "comparing the %s", file->name);
	}
	check->differs = !same;
	if (!ways->check_key(u->state, deadline, e))
		return false;
	if (same && !check->read_back)
		return true;
	return compare(u, file, deadline, e) &&
	       (same || err_set(e, FAULT_FLASH,
				"the flash did not keep the %s: %s's SHA-256 differs, though every "
				"byte reads right",
				file->name, ways->board));
}

bool unchecked_verify(struct unchecked *u, const struct board_file *file, bool read_back,
		      int64_t deadline, struct err *e)
{
	struct check check = { .file = file, .read_back = read_back };

	return line_insist(u->line, try_check, wake_up, u, &check, deadline, e);
}
