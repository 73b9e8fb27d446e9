#include "tests/rig/boards_rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ROW 8
#define WORDS_MAX 3
#define POLL_EXTRA 2 /* stop, service */

void rig_path(const struct rig *rig, const char *name, const char *suffix,
	      char ret_path[static PATH_MAX])
{
	snprintf(ret_path, PATH_MAX, "%.*s/%.*s%s", PATH_MAX / 2, rig->dir, NAME_MAX, name, suffix);
}

void rig_next_unit(struct rig *rig, const struct device_kind *kind,
		   char ret_unit[static AGENT_UNIT_MAX + 1])
{
	char name[AGENT_UNIT_MAX + 16], path[PATH_MAX];

	do {
		kind->make_unit(rig->prefix, ++rig->last_unit, ret_unit);
		snprintf(name, sizeof(name), "units/%s", ret_unit);
		rig_path(rig, name, ".flash", path);
	} while (access(path, F_OK) == 0);
}

struct nest *rig_nest(const struct rig *rig, const char *name)
{
	for (size_t i = 0; i < rig->count; i++)
		if (strcmp(rig->nests[i]->name, name) == 0)
			return rig->nests[i];
	return NULL;
}

struct nest *rig_nest_of_unit(const struct rig *rig, const char *unit)
{
	for (size_t i = 0; i < rig->count; i++)
		if (rig->nests[i]->device && strcmp(rig->nests[i]->device->metal->unit, unit) == 0)
			return rig->nests[i];
	return NULL;
}

static bool add_nest(struct rig *rig, const char *name, size_t len, struct err *e)
{
	struct nest *nest;

	if (rig->count == RIG_NESTS_MAX || len == 0 || len >= NEST_NAME_SIZE)
		return err_set(e, ERR_USAGE, "nests: at most %d, names of 1 to %d characters",
			       RIG_NESTS_MAX, NEST_NAME_SIZE - 1);
	nest = calloc(1, sizeof(*nest));
	if (!nest)
		return err_errno(e, ERR_SYSTEM, "no memory for a nest");
	nest->rig = rig;
	nest->kind = &prov_kind;
	nest->wire.master = nest->wire.slave = -1;
	memcpy(nest->name, name, len);
	rig->nests[rig->count++] = nest;
	return true;
}

static bool add_nests(struct rig *rig, const struct rig_options *options, struct err *e)
{
	char name[NEST_NAME_SIZE];

	for (const char *at = options->nests; at && *at; at += *at == ',') {
		size_t len = strcspn(at, ",");

		if (!add_nest(rig, at, len, e))
			return false;
		at += len;
	}
	for (size_t i = 0; !options->nests && i < options->count; i++) {
		/* Past row Z come AA, AB … */
		size_t row = i / ROW;
		int len = row < 26 ? snprintf(name, sizeof(name), "%c%zu", (char)('A' + row),
					      i % ROW + 1)
				   : snprintf(name, sizeof(name), "A%c%zu", (char)('A' + row - 26),
					      i % ROW + 1);

		if (!add_nest(rig, name, (size_t)len, e))
			return false;
	}
	return true;
}

static bool set_trouble(struct rig *rig, const char *name, const char *kind, struct err *e)
{
	struct nest *nest = rig_nest(rig, name);
	struct trouble trouble;

	if (!nest)
		return err_set(e, ERR_NOT_FOUND, "there is no nest %s", name);
	if (!trouble_parse(kind, &trouble, e))
		return false;
	nest_set_trouble(nest, &trouble);
	return true;
}

static bool set_kind(struct rig *rig, const char *name, const char *kind, struct err *e)
{
	struct nest *nest = rig_nest(rig, name);

	if (!nest)
		return err_set(e, ERR_NOT_FOUND, "there is no nest %s", name);
	nest->kind = device_kind(kind);
	return nest->kind || err_set(e, ERR_USAGE, "there is no kind of board \"%s\"", kind);
}

static bool set_line(struct rig *rig, const char *name, const char *terminal, struct err *e)
{
	struct nest *nest = rig_nest(rig, name);

	if (!nest)
		return err_set(e, ERR_NOT_FOUND, "there is no nest %s", name);
	nest->line = terminal;
	return true;
}

typedef bool nest_setter(struct rig *rig, const char *nest, const char *value, struct err *e);

/* Each is NEST=VALUE. */
static bool set_each(struct rig *rig, const char *const *settings, nest_setter *set, struct err *e)
{
	for (; settings && *settings; settings++) {
		char name[NEST_NAME_SIZE];
		size_t len = strcspn(*settings, "=");

		if ((*settings)[len] == '\0' || len >= sizeof(name))
			return err_set(e, ERR_USAGE, "this wants NEST=VALUE, and not \"%s\"",
				       *settings);
		memcpy(name, *settings, len);
		name[len] = '\0';
		if (!set(rig, name, *settings + len + 1, e))
			return false;
	}
	return true;
}

static bool make_folders(const struct rig *rig, struct err *e)
{
	char units[PATH_MAX];

	rig_path(rig, "units", "", units);
	if ((mkdir(rig->dir, 0755) < 0 && errno != EEXIST) ||
	    (mkdir(units, 0755) < 0 && errno != EEXIST))
		return err_errno(e, ERR_SYSTEM, "cannot make %s", units);
	return true;
}

bool rig_open(const struct rig_options *options, struct rig **ret_rig, struct err *e)
{
	AUTO(rig) rig = calloc(1, sizeof(*rig));

	if (!rig)
		return err_errno(e, ERR_SYSTEM, "no memory for a rig");
	snprintf(rig->dir, sizeof(rig->dir), "%s", options->dir);
	snprintf(rig->prefix, sizeof(rig->prefix), "%s", options->unit_prefix);
	rig->baud = options->baud;
	if (!add_nests(rig, options, e) || !set_each(rig, options->drivers, set_kind, e) ||
	    !set_each(rig, options->lines, set_line, e) || !make_folders(rig, e) ||
	    !service_open(rig->dir, &rig->service, e))
		return false;
	for (size_t i = 0; i < rig->count; i++)
		if (!nest_start(rig->nests[i], e))
			return false;
	if (!set_each(rig, options->faults, set_trouble, e) || !service_ready(rig->service, e))
		return false;
	*ret_rig = TAKE(rig);
	return true;
}

void rig_close(struct rig *rig)
{
	if (!rig)
		return;
	for (size_t i = 0; i < rig->count; i++) {
		nest_remove(rig->nests[i]);
		free(rig->nests[i]);
	}
	service_close(rig->service);
	free(rig);
}

static bool remove_command(struct rig *rig, struct nest *nest, const char *argument, struct err *e)
{
	(void)rig;
	(void)argument;
	if (!nest->device)
		return err_set(e, ERR_NOT_FOUND, "%s is empty", nest->name);
	nest_remove(nest);
	return true;
}

static bool insert_command(struct rig *rig, struct nest *nest, const char *argument, struct err *e)
{
	(void)rig;
	return nest_insert(nest, argument, e);
}

static bool fault_command(struct rig *rig, struct nest *nest, const char *argument, struct err *e)
{
	return set_trouble(rig, nest->name, argument ? argument : "", e);
}

static bool restart_command(struct rig *rig, struct nest *nest, const char *argument, struct err *e)
{
	(void)rig;
	(void)argument;
	(void)e;
	nest_restart(nest);
	return true;
}

static bool power_command(struct rig *rig, struct nest *nest, const char *argument, struct err *e)
{
	bool on = argument && strcmp(argument, "on") == 0;

	(void)rig;
	if (!on && !(argument && strcmp(argument, "off") == 0))
		return err_set(e, ERR_USAGE, "this wants: power NEST on|off");
	nest_power(nest, on);
	return true;
}

static const struct {
	const char *name;
	bool (*run)(struct rig *rig, struct nest *nest, const char *argument, struct err *e);
} commands[] = {
	{ "remove", remove_command },	{ "insert", insert_command }, { "fault", fault_command },
	{ "restart", restart_command }, { "power", power_command },
};

static void list(const struct rig *rig, char *reply)
{
	for (size_t i = 0; i < rig->count; i++) {
		const struct nest *nest = rig->nests[i];
		const struct vboard *board = nest->device ? nest->device->metal : NULL;

		service_say(reply,
			    "\n%s %s fault=%s received=%llu sent=%llu computing_us=%llu "
			    "round_trips=%llu",
			    nest->name, board ? board->unit : "-", trouble_name(&nest->trouble),
			    (unsigned long long)nest->wire.received,
			    (unsigned long long)nest->wire.sent,
			    board ? (unsigned long long)board->computing_ns / 1000 : 0ULL,
			    (unsigned long long)nest->wire.round_trips);
	}
}

static bool run_command(void *context, char *command, char *reply, struct err *e)
{
	char *words[WORDS_MAX] = { NULL }, *rest = command;
	struct rig *rig = context;
	struct nest *nest;

	for (size_t i = 0; i < WORDS_MAX; i++)
		words[i] = strtok_r(NULL, " \n", &rest);
	if (words[0] && strcmp(words[0], "list") == 0) {
		list(rig, reply);
		return true;
	}
	nest = words[1] ? rig_nest(rig, words[1]) : NULL;
	for (size_t i = 0; words[0] && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, words[0]) != 0)
			continue;
		if (!nest)
			return err_set(e, ERR_NOT_FOUND, "there is no nest %s",
				       words[1] ? words[1] : "\"\"");
		return commands[i].run(rig, nest, words[2], e);
	}
	return err_set(e, ERR_USAGE, "commands: remove, insert, fault, restart, power, list");
}

static int wait_work(struct rig *rig, struct pollfd *fds, int stop_fd)
{
	int64_t due_ns = INT64_MAX, now_ns = wire_now_ns();
	struct timespec timeout;

	fds[0] = (struct pollfd) { .fd = stop_fd, .events = POLLIN };
	fds[1] = service_poll(rig->service);
	for (size_t i = 0; i < rig->count; i++) {
		const struct wire *wire = &rig->nests[i]->wire;
		int64_t nest_ns = nest_due_ns(rig->nests[i]);

		fds[POLL_EXTRA + i] =
			(struct pollfd) { .fd = wire->master, .events = wire_events(wire) };
		due_ns = nest_ns < due_ns ? nest_ns : due_ns;
	}
	due_ns = due_ns > now_ns ? due_ns - now_ns : 0;
	timeout = (struct timespec) { due_ns / 1000000000, due_ns % 1000000000 };
	return ppoll(fds, POLL_EXTRA + rig->count, due_ns > INT32_MAX * 1000000LL ? NULL : &timeout,
		     NULL);
}

bool rig_run(struct rig *rig, int stop_fd, struct err *e)
{
	struct pollfd fds[POLL_EXTRA + RIG_NESTS_MAX];

	for (;;) {
		int64_t now_ns;

		if (wait_work(rig, fds, stop_fd) < 0 && errno != EINTR)
			return err_errno(e, ERR_SYSTEM, "waiting failed");
		if (fds[0].revents)
			return true;
		now_ns = wire_now_ns();
		for (size_t i = 0; i < rig->count; i++) {
			const struct nest *nest = rig->nests[i];

			if (fds[POLL_EXTRA + i].revents || nest_babbles(nest) ||
			    nest_due_ns(nest) <= now_ns)
				nest_work(rig->nests[i], now_ns);
		}
		service_work(rig->service, &fds[1], run_command, rig);
	}
}
