#include "serial/learn.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/wait.h"
#include "serial/rules.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#define NESTS_MAX 64
#define PATIENCE_MS 600000 /* for one nest to be plugged in */
#define LOOK_EVERY_MS 200
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"

struct lines {
	struct adapter adapters[ADAPTERS_MAX];
	size_t count;
};

struct learning {
	const struct learn *options;
	struct rule rules[NESTS_MAX]; /* names first, ports as they are learnt */
	size_t wanted, learnt;
	struct lines before; /* those that were there already, and still are */
	struct lines now;
};

/* --- names --- */

static bool add_name(struct learning *s, const char *name, struct err *e)
{
	if (!*name || strlen(name) > RULES_NEST_MAX || strspn(name, LETTERS) != strlen(name))
		return err_set(e, ERR_USAGE,
			       "\"%.40s\" is no nest's name: 1 to %d of A-Z a-z 0-9 and -", name,
			       RULES_NEST_MAX);
	for (size_t i = 0; i < s->wanted; i++)
		if (strcmp(s->rules[i].nest, name) == 0)
			return err_set(e, ERR_USAGE, "the nest %s is named twice", name);
	if (s->wanted == NESTS_MAX)
		return err_set(e, ERR_USAGE, "a station has at most %d nests", NESTS_MAX);
	strcpy(s->rules[s->wanted++].nest, name);
	return true;
}

static bool take_names(struct learning *s, struct err *e)
{
	AUTO_FREE char *copy = NULL;
	char *rest, *name;

	if (!s->options->nests) {
		for (; s->wanted < NESTS_MAX; s->wanted++)
			snprintf(s->rules[s->wanted].nest, sizeof(s->rules[0].nest), "A%zu",
				 s->wanted + 1);
		return true;
	}
	rest = copy = strdup(s->options->nests);
	if (!copy)
		return err_set(e, ERR_SYSTEM, "no memory for the names");
	while ((name = strsep(&rest, ",")))
		if (!add_name(s, name, e))
			return false;
	return true;
}

/* Better known before the cables are plugged. */
static bool may_write(const char *path, struct err *e)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", path);
	return access(dirname(folder), W_OK) == 0 ||
	       err_errno(e, ERR_SYSTEM,
			 "the rules cannot be written to %s (as root they can, or elsewhere with "
			 "--rules FILE)",
			 path);
}

/* --- lines --- */

/* USB alone has sockets; a line counts once udev has named it by its own. */
static bool look(const struct learning *s, struct lines *lines, struct err *e)
{
	size_t all, count = 0;

	if (!adapter_list(s->options->root, lines->adapters, &all, e))
		return false;
	for (size_t i = 0; i < all; i++)
		if (*lines->adapters[i].usb && *lines->adapters[i].port)
			lines->adapters[count++] = lines->adapters[i];
	lines->count = count;
	return true;
}

static bool has(const struct lines *lines, const char *port)
{
	for (size_t i = 0; i < lines->count; i++)
		if (strcmp(lines->adapters[i].port, port) == 0)
			return true;
	return false;
}

/* A line that was unplugged is new when it comes again. */
static void forget_absent(struct learning *s)
{
	size_t count = 0;

	for (size_t i = 0; i < s->before.count; i++) {
		const struct adapter *a = &s->before.adapters[i];

		if (has(&s->now, a->port))
			s->before.adapters[count++] = *a;
		else
			printf("usb %s is out … ", a->usb);
	}
	s->before.count = count;
	fflush(stdout);
}

static bool is_learnt(const struct learning *s, const char *port)
{
	for (size_t i = 0; i < s->learnt; i++)
		if (strcmp(s->rules[i].port, port) == 0)
			return true;
	return false;
}

/* The first new line by socket, and how many there are: one adapter may bring several. */
static size_t find_new(const struct learning *s, const struct adapter **ret_first)
{
	size_t count = 0;

	for (size_t i = 0; i < s->now.count; i++) {
		const struct adapter *a = &s->now.adapters[i];

		if (has(&s->before, a->port) || is_learnt(s, a->port))
			continue;
		if (count++ == 0)
			*ret_first = a;
	}
	return count;
}

enum waited { WAITED_LINE, WAITED_END, WAITED_FAILED };

/* Lets a moment pass; WAITED_LINE: nobody typed. */
static enum waited pause_or_end(struct err *e)
{
	char typed[256];

	if (wait_for(STDIN_FILENO, POLLIN, clock_deadline(LOOK_EVERY_MS), -1, NULL, e))
		return read(STDIN_FILENO, typed, sizeof(typed)) < 0 && errno == EINTR ? WAITED_LINE
										      : WAITED_END;
	return e->code == ERR_TIMEOUT ? WAITED_LINE : WAITED_FAILED;
}

/* Until as many new lines are there at two looks. */
static enum waited await_line(struct learning *s, const struct adapter **ret_line, struct err *e)
{
	int64_t deadline = clock_deadline(PATIENCE_MS);
	size_t count, last = 0;
	enum waited waited;

	while (clock_monotonic_ms() < deadline) {
		if (!look(s, &s->now, e))
			return WAITED_FAILED;
		forget_absent(s);
		count = find_new(s, ret_line);
		if (count && count == last)
			return WAITED_LINE;
		last = count;
		waited = pause_or_end(e);
		if (waited != WAITED_LINE)
			return waited;
	}
	err_set(e, ERR_TIMEOUT,
		"no new line came in %d minutes; imprint board list shows what is there",
		PATIENCE_MS / 60000);
	return WAITED_FAILED;
}

/* --- the talk --- */

static void say_board(const struct learning *s, const struct adapter *line)
{
	char port[PATH_MAX];
	struct board_report report;
	const char *driver;
	struct err e;

	snprintf(port, sizeof(port), "%s%s", s->options->root, line->port);
	printf("usb %s, ", line->usb);
	fflush(stdout);
	if (probe_port(s->options->probe, port, NULL, &driver, &report, &e))
		printf("board answers (%s), unit %s\n", driver,
		       *report.identity.unit ? report.identity.unit : "(not said)");
	else
		printf("no board answers there yet\n");
}

static bool learn_nests(struct learning *s, struct err *e)
{
	while (s->learnt < s->wanted) {
		const struct adapter *line = NULL;
		struct rule *rule = &s->rules[s->learnt];
		enum waited waited;

		printf("plug nest %s now … ", rule->nest);
		fflush(stdout);
		waited = await_line(s, &line, e);
		if (waited != WAITED_LINE) {
			putchar('\n');
			return waited == WAITED_END;
		}
		memcpy(rule->port, line->port, sizeof(rule->port));
		s->learnt++;
		say_board(s, line);
	}
	return true;
}

static bool begin(struct learning *s, struct err *e)
{
	if (!take_names(s, e) || !may_write(s->options->rules, e) || !look(s, &s->before, e))
		return false;
	if (s->before.count == 1) /* alone: it can only be the first nest's */
		s->before.count = 0;
	if (s->before.count)
		printf("%zu lines are plugged in already: unplug each, and plug it in again when "
		       "its nest is asked for.\n",
		       s->before.count);
	puts("ENTER ends this.");
	return true;
}

static bool finish(const struct learning *s, struct err *e)
{
	if (!s->learnt) {
		puts("No nest was learnt; nothing was changed.");
		return true;
	}
	if (!rules_write(s->options->rules, s->rules, s->learnt, e))
		return false;
	printf("Written: %s. Next: udevadm control --reload && udevadm trigger "
	       "--subsystem-match=tty\nFor etc/station.yaml:\nnests:\n",
	       s->options->rules);
	for (size_t i = 0; i < s->learnt; i++)
		printf("  - { name: %s, port: /dev/imprint/%s }\n", s->rules[i].nest,
		       s->rules[i].nest);
	return true;
}

bool learn_run(const struct learn *l, struct err *e)
{
	AUTO_FREE struct learning *s = calloc(1, sizeof(*s));
	struct err late;
	bool learnt;

	if (!s)
		return err_set(e, ERR_SYSTEM, "no memory");
	s->options = l;
	if (!begin(s, e))
		return false;
	learnt = learn_nests(s, e);
	return finish(s, learnt ? e : &late) && learnt;
}
