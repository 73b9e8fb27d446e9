/* rig-jig: a virtual jig behind Modbus, and the judge of who drives it: see --help, jig_plant.h for
 * its signals and jig_control.h for what can be done with it. In its folder:
 *	ready		while it serves		control		its socket
 *	map.yaml	the part `jig:` of station.yaml that fits it
 *	breaches	one line each time the interlocks were broken; then the exit code is 3 */
#include "tests/rig/daemon.h"
#include "tests/rig/jig_control.h"
#include "tests/rig/jig_map.h"
#include "tests/rig/service.h"

#include "base/clock.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define EXIT_BREACH 3
#define ROW 8
#define ALLOWANCE_MS 350 /* one poll and 300 ms */
#define WATCHDOG_MS 1000

struct arguments {
	const char *dir, *nests, *send;
	unsigned count, port;
	bool detach, has_tcp, has_rtu;
	enum map_style style;
	struct plant plant;
};

static const struct argp_option options[] = {
	{ "dir", 'd', "DIR", 0, "Folder for the map, the breaches and the control socket", 0 },
	{ "boards", 'n', "N", 0, "Nests A1 to A8, B1 … (default 8)", 0 },
	{ "nests", 'N', "A1,A2,…", 0, "These nests instead", 0 },
	{ "line", 'l', "tcp|rtu|both", 0,
	  "Modbus over TCP (default), a pty, or inputs by the one and outputs by the other", 0 },
	{ "port", 'p', "N", 0, "TCP port (default: any that is free)", 0 },
	{ "map", 'm', "registers|bits", 0,
	  "A controller with words and heartbeats (default), or a coupler with bits", 0 },
	{ "speed", 's', "N", 0, "Mechanics so many times faster (default 1)", 0 },
	{ "watchdog", 'w', "MS", 0, "Takes the power when the host is silent (default 1000)", 0 },
	{ "allowance", 'a', "MS", 0, "Power against the interlocks for longer is a breach (350)",
	  0 },
	{ "power-hook", 'P', NULL, 0, "A line \"power A1 on\" on stdout for each change", 0 },
	{ "detach", 'D', NULL, 0,
	  "Return when ready and serve on; else it ends with its parent, unless started by setsid",
	  0 },
	{ "send", 'S', "COMMAND", 0,
	  "To a running one: \"lid close\", \"board A1 in\", \"press start\", \"fault late 400\", "
	  "\"state\", …",
	  0 },
	{ 0 },
};

static unsigned number(const char *text, unsigned min, unsigned max, struct argp_state *state)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < min || value > max)
		argp_error(state, "\"%s\" is not a number from %u to %u", text, min, max);
	return (unsigned)value;
}

/* Which of the words in `words` it is. */
static size_t choice(const char *text, const char *const *words, struct argp_state *state)
{
	size_t i = 0;

	while (words[i] && strcmp(words[i], text) != 0)
		i++;
	if (!words[i])
		argp_error(state, "there is no %s here", text);
	return i;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	static const char *const lines[] = { "tcp", "rtu", "both", NULL };
	static const char *const styles[] = { "registers", "bits", NULL };
	struct arguments *a = state->input;
	size_t line;

	switch (key) {
	case 'd':
		a->dir = text;
		return 0;
	case 'n':
		a->count = number(text, 1, PLANT_NESTS_MAX, state);
		return 0;
	case 'N':
		a->nests = text;
		return 0;
	case 'l':
		line = choice(text, lines, state);
		a->has_tcp = line != 1;
		a->has_rtu = line != 0;
		return 0;
	case 'p':
		a->port = number(text, 1, UINT16_MAX, state);
		return 0;
	case 'm':
		a->style = choice(text, styles, state) ? MAP_BITS : MAP_REGISTERS;
		return 0;
	case 's':
		a->plant.speed = number(text, 1, 1000, state);
		return 0;
	case 'w':
		a->plant.watchdog_ms = number(text, 100, 60000, state);
		return 0;
	case 'a':
		a->plant.allowance_ms = number(text, 1, 60000, state);
		return 0;
	case 'P':
		a->plant.power_hook = true;
		return 0;
	case 'D':
		a->detach = true;
		return 0;
	case 'S':
		a->send = text;
		return 0;
	case ARGP_KEY_END:
		if (!a->dir)
			argp_error(state, "--dir is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	options, parse, NULL, "A virtual jig for tests.", NULL, NULL, NULL
};

/* --- its folder --- */

static void path_in(const struct arguments *a, const char *name, char ret_path[static PATH_MAX])
{
	snprintf(ret_path, PATH_MAX, "%.*s/%s", PATH_MAX / 2, a->dir, name);
}

static bool name_nests(struct arguments *a, struct err *e)
{
	struct plant *plant = &a->plant;

	for (const char *at = a->nests; at && *at; at += *at == ',') {
		size_t len = strcspn(at, ",");

		if (plant->nest_count == PLANT_NESTS_MAX || len == 0 || len > PLANT_NAME_MAX)
			return err_set(e, ERR_USAGE,
				       "nests: at most %d, names of 1 to %d characters",
				       PLANT_NESTS_MAX, PLANT_NAME_MAX);
		memcpy(plant->names[plant->nest_count++], at, len);
		at += len;
	}
	for (unsigned i = 0; !a->nests && i < a->count; i++)
		snprintf(plant->names[plant->nest_count++], PLANT_NAME_MAX + 1, "%c%u",
			 (char)('A' + i / ROW), i % ROW + 1);
	return true;
}

static bool make_folder(const struct arguments *a, struct err *e)
{
	return mkdir(a->dir, 0755) == 0 || errno == EEXIST ||
	       err_errno(e, ERR_SYSTEM, "cannot make %s", a->dir);
}

/* --- the loop --- */

static bool loop(struct server *server, struct service *service, int stop_fd, struct err *e)
{
	struct pollfd polls[SERVER_POLLS + 2];

	for (;;) {
		server_polls(server, polls);
		polls[SERVER_POLLS] = (struct pollfd) { .fd = stop_fd, .events = POLLIN };
		polls[SERVER_POLLS + 1] = service_poll(service);
		if (poll(polls, SERVER_POLLS + 2, PLANT_TICK_MS) < 0 && errno != EINTR)
			return err_errno(e, ERR_SYSTEM, "waiting failed");
		if (polls[SERVER_POLLS].revents)
			return true;
		plant_tick(server->plant, clock_monotonic_ms());
		server_work(server, polls, clock_monotonic_ms());
		service_work(service, &polls[SERVER_POLLS + 1], control_run, server);
	}
}

static bool serve(void *context, int stop_fd, struct err *e)
{
	struct arguments *a = context;
	char map[PATH_MAX];
	AUTO(server) server = NULL;
	AUTO(service) service = NULL;

	path_in(a, "map.yaml", map);
	path_in(a, "breaches", a->plant.breach_path);
	if (!name_nests(a, e) || !make_folder(a, e) || !service_open(a->dir, &service, e) ||
	    !server_open(&a->plant, a->has_tcp, a->port, a->has_rtu, &server, e) ||
	    !map_write(server, map, a->style, e))
		return false;
	unlink(a->plant.breach_path);
	plant_begin(&a->plant, clock_monotonic_ms());
	return service_ready(service, e) && daemon_ready(e) && loop(server, service, stop_fd, e);
}

static bool send_command(const struct arguments *a, struct err *e)
{
	AUTO_FREE char *reply = malloc(SERVICE_REPLY_SIZE);

	if (!reply)
		return err_errno(e, ERR_SYSTEM, "no memory");
	if (!service_send(a->dir, a->send, reply, e))
		return false;
	if (strncmp(reply, "ok\n", 3) == 0)
		puts(reply + 3);
	return true;
}

int main(int argc, char **argv)
{
	static struct arguments a = {
		.count = 8,
		.has_tcp = true,
		.plant = { .speed = 1, .watchdog_ms = WATCHDOG_MS, .allowance_ms = ALLOWANCE_MS }
	};
	struct err e = { 0 };
	int code;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (!a.send) {
		code = daemon_run("rig-jig", a.detach, serve, &a);
		return code == EXIT_SUCCESS && a.plant.breaches ? EXIT_BREACH : code;
	}
	if (send_command(&a, &e))
		return EXIT_SUCCESS;
	fprintf(stderr, "rig-jig: %s\n", e.text);
	return e.code == ERR_USAGE ? 2 : EXIT_FAILURE;
}
