/* imprint-station: the daemon that talks to boards. See imprint-station(8). */
#include "station/check.h"
#include "station/desk.h"

#include "base/clock.h"
#include "base/confine.h"
#include "base/log.h"
#include "base/mode.h"
#include "base/notify.h"
#include "base/place.h"
#include "base/socket.h"
#include "base/wait.h"
#include "fixtures/jig.h"

#include <argp.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>

#define END_MS 4500	   /* for all runs to end after SIGTERM */
#define FIRST_LOOK_MS 3000 /* for all nests to have looked at their lines */
#define FIRST_LOOK_EVERY_MS 5
#define SOCKET_MODE 0666 /* its folder keeps strangers out; the caller's user decides the rest */
#define ARENAS 2	 /* 64 threads need no 64 heaps */

const char *argp_program_version = "imprint-station " IMPRINT_VERSION;

struct choice {
	bool check;
	const char *product;
};

static const struct argp_option options[] = {
	{ "check", 'c', NULL, 0,
	  "Look at settings, modes, products, ports, folders and signer, and end", 0 },
	{ "check-product", 'p', "FILE", 0, "Look for mistakes in the station's part of a product",
	  0 },
	{ "dir", 'd', "D", 0, "The station's folder (IMPRINT_DIR)", 0 },
	{ 0 },
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct choice *choice = state->input;

	if (key == 'c')
		choice->check = true;
	else if (key == 'p')
		choice->product = value;
	else if (key == 'd')
		setenv("IMPRINT_DIR", value, 1);
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Brings identities into boards: one thread a nest, a control socket for imprint. "
	       "Settings: etc/station.yaml. Ends by SIGTERM.",
};

struct station {
	struct station_settings settings;
	struct nest_shared shared;
	struct nest *nests[STATION_NESTS_MAX];
	struct cycle *cycle; /* NULL: a bench */
	int lib_fd, listen_fd, bell_fd, signal_fd, jig_fd;
};

static bool block_signals(int *ret_fd, struct err *e)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread: they go to the signalfd */
	*ret_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return *ret_fd >= 0 || err_errno(e, ERR_SYSTEM, "no descriptor for signals");
}

static bool take_folder(struct station *s, struct err *e)
{
	if (!place_open(PLACE_LIB_STATION, true, &s->lib_fd, e))
		return false;
	if (flock(s->lib_fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno != EWOULDBLOCK)
		return err_errno(e, ERR_SYSTEM, "cannot lock the station's lib folder");
	return err_set(e, ERR_BUSY,
		       "another imprint-station works with this lib folder already: stop that one, "
		       "or give this one its own folder (IMPRINT_DIR)");
}

static bool take_socket(struct station *s, struct err *e)
{
	AUTO(fd) run_fd = -1;

	s->listen_fd = notify_listen_fd();
	if (s->listen_fd >= 0)
		return true;
	return place_open(PLACE_RUN_STATION, true, &run_fd, e) &&
	       socket_listen(run_fd, STATION_SOCKET, SOCKET_MODE, &s->listen_fd, e);
}

static bool load_settings(struct station *s, struct err *e)
{
	char path[PATH_MAX];

	return place_path(PLACE_ETC, "station.yaml", path, e) &&
	       station_settings_load(path, &s->settings, e);
}

static bool open_shared(struct station *s, struct err *e)
{
	s->bell_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->bell_fd < 0)
		return err_errno(e, ERR_SYSTEM, "no descriptor for the nests' bell");
	s->shared.settings = &s->settings;
	s->shared.bell_fd = s->bell_fd;
	return runs_open(s->lib_fd, &s->shared.runs, e) &&
	       people_open(s->lib_fd, &s->shared.people, e) && alarms_new(&s->shared.alarms, e) &&
	       catalogue_new(&s->shared.catalogue, e);
}

static bool open_jig(struct station *s, struct err *e)
{
	if (s->settings.start != START_JIG)
		return true;
	s->jig_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->jig_fd < 0)
		return err_errno(e, ERR_SYSTEM, "no descriptor for the jig's bell");
	return jig_open(&s->settings.jig, s->jig_fd, &s->shared.jig, e);
}

static bool open_cycle(struct station *s, struct err *e)
{
	const struct cycle_config config = {
		.settings = &s->settings,
		.nests = s->nests,
		.jig = s->shared.jig,
		.wake_fd = s->jig_fd,
		.bell_fd = s->bell_fd,
	};

	return !s->shared.jig || cycle_open(&config, &s->cycle, e);
}

static bool all_looked(const struct station *s)
{
	for (size_t i = 0; i < s->settings.nest_count; i++)
		if (box_state_now(nest_box(s->nests[i])) == CONTROL_UNSEEN)
			return false;
	return true;
}

/* Who asks right after READY=1 sees which nests have a board. */
static void wait_for_first_look(const struct station *s)
{
	int64_t deadline = clock_deadline(FIRST_LOOK_MS);
	struct err e;

	while (!all_looked(s) && clock_monotonic_ms() < deadline &&
	       wait_pause(FIRST_LOOK_EVERY_MS, -1, &e))
		;
}

static bool open_nests(struct station *s, struct err *e)
{
	for (size_t i = 0; i < s->settings.nest_count; i++)
		if (!nest_open(&s->shared, i, &s->nests[i], e))
			return false;
	wait_for_first_look(s);
	return true;
}

/* True if all ended in time. A nest that hangs in its driver is left to the end of the process. */
static bool close_nests(struct station *s)
{
	int64_t deadline = clock_deadline(END_MS);
	bool all = true;

	for (size_t i = 0; i < s->settings.nest_count && s->nests[i]; i++)
		nest_quit(s->nests[i]);
	for (size_t i = 0; i < s->settings.nest_count && s->nests[i]; i++) {
		if (nest_close(s->nests[i], deadline))
			continue;
		log_event(LOG_ERR, "nest did not end", "nest=%s", s->settings.nests[i].name);
		all = false;
	}
	return all;
}

static bool serve(struct station *s, struct err *e)
{
	const struct desk_config config = {
		.settings = &s->settings,
		.runs = s->shared.runs,
		.people = s->shared.people,
		.alarms = s->shared.alarms,
		.catalogue = s->shared.catalogue,
		.lib_fd = s->lib_fd,
		.nests = s->nests,
		.cycle = s->cycle,
		.jig = s->shared.jig,
		.listen_fd = s->listen_fd,
		.bell_fd = s->bell_fd,
		.signal_fd = s->signal_fd,
	};
	AUTO(desk) desk = NULL;

	if (!desk_new(&config, &desk, e))
		return false;
	log_event(LOG_INFO, "station ready", "station=%s nests=%zu", s->settings.station,
		  s->settings.nest_count);
	notify_send("READY=1");
	return desk_run(desk, e);
}

static enum confine_network network_of(const struct station_settings *settings)
{
	return station_settings_need_ip(settings) ? CONFINE_IP : CONFINE_NO_NETWORK;
}

static bool run(struct station *s, struct err *e)
{
	bool ok = block_signals(&s->signal_fd, e) && load_settings(s, e) &&
		  mode_settings("station.yaml", e) && mode_kept(PLACE_LIB_STATION, e) &&
		  confine(network_of(&s->settings), e) && take_folder(s, e) && take_socket(s, e) &&
		  open_shared(s, e);
	bool served = ok && open_jig(s, e) && open_nests(s, e) && open_cycle(s, e) && serve(s, e);

	notify_send("STOPPING=1");
	s->shared.ends = true;
	cycle_close(s->cycle);
	if (!close_nests(s))
		_exit(1); /* their threads may still use what would be freed here */
	jig_close(s->shared.jig);
	runs_close(s->shared.runs);
	people_close(s->shared.people);
	alarms_free(s->shared.alarms);
	catalogue_free(s->shared.catalogue);
	return served;
}

int main(int argc, char **argv)
{
	static struct station station = { .lib_fd = -1, .listen_fd = -1, .bell_fd = -1 };
	struct choice choice = { 0 };
	struct err e = { 0 };

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &choice);
	if (choice.product)
		return check_product(choice.product) ? 0 : 1;
	if (choice.check)
		return check_station();
	mallopt(M_ARENA_MAX, ARENAS);
	if (!run(&station, &e)) {
		log_event(LOG_ERR, "station cannot serve", "reason=\"%s\"", e.text);
		return 1;
	}
	log_event(LOG_INFO, "station ended", "");
	return 0;
}
