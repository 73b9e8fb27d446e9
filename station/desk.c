#include "station/answer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>

#define TICK_MS (1000 / CONTROL_EVENTS_PER_S)
#define IDLE_MS 1000
#define DEAF_MS 1000	       /* no caller is taken, once there was no descriptor for one */
#define OVERVIEW_EVERY_MS 1000 /* while somebody watches */

enum place_in_poll { POLL_SIGNAL, POLL_LISTEN, POLL_BELL, POLL_SIGNER, POLL_CALLERS };

bool desk_new(const struct desk_config *config, struct desk **ret_desk, struct err *e)
{
	struct desk *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, ERR_SYSTEM, "no memory for the control socket");
	s->config = *config;
	overview_init(&s->overview, s->overview_record);
	s->shift = (struct shift) { .config = &s->config, .overview = &s->overview };
	for (size_t i = 0; i < DESK_CALLERS_MAX; i++)
		s->callers[i].fd = -1;
	*ret_desk = s;
	return true;
}

void desk_free(struct desk *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < DESK_CALLERS_MAX; i++)
		answer_hang_up(&s->callers[i]);
	overview_close(&s->overview);
	free(s);
}

/* --- callers --- */

/* Not all who can reach the socket may ask: who may ask nothing makes room for who may. */
static struct caller *free_place(struct desk *s)
{
	for (size_t i = 0; i < DESK_CALLERS_MAX; i++)
		if (s->callers[i].fd < 0)
			return &s->callers[i];
	for (size_t i = 0; i < DESK_CALLERS_MAX; i++) {
		if (s->callers[i].roles)
			continue;
		answer_hang_up(&s->callers[i]);
		return &s->callers[i];
	}
	return NULL;
}

static bool has_room(const struct desk *s, uid_t uid)
{
	size_t of_user = 0;

	for (size_t i = 0; i < DESK_CALLERS_MAX; i++)
		of_user += s->callers[i].fd >= 0 && s->callers[i].peer.uid == uid;
	return of_user < DESK_CALLERS_OF_ONE_USER;
}

static unsigned roles_of(const struct desk *s, const struct socket_peer *peer)
{
	if (s->config.settings->peer_count == 0 && peer->uid == geteuid())
		return STATION_OPERATOR;
	return station_settings_role(s->config.settings, peer);
}

static void take_caller(struct desk *s)
{
	struct caller *caller = free_place(s);
	struct socket_peer peer;
	AUTO(fd) fd = -1;
	struct err e;

	if (!socket_accept(s->config.listen_fd, &fd, &e)) {
		log_event(LOG_ERR, "callers wait", "reason=\"%s\"", e.text);
		s->deaf_ms = clock_deadline(DEAF_MS);
		return;
	}
	if (fd < 0)
		return;
	if (!caller || !socket_peer(fd, &peer, &e) || !has_room(s, peer.uid)) {
		log_event(LOG_WARNING, "caller turned away", "callers_max=%d", DESK_CALLERS_MAX);
		return;
	}
	*caller = (struct caller) { .fd = TAKE_FD(fd), .peer = peer, .roles = roles_of(s, &peer) };
}

static void hear_caller(struct desk *s, struct caller *caller)
{
	struct err e;
	size_t len;

	if (socket_receive(caller->fd, s->record, &len, NULL, 0, -1, &e))
		answer_record(s, caller, bytes_of(s->record, len));
	else if (e.code != ERR_TIMEOUT)
		answer_hang_up(caller);
}

/* --- watchers --- */

static bool is_watched(const struct desk *s)
{
	for (size_t i = 0; i < DESK_CALLERS_MAX; i++)
		if (s->callers[i].watches)
			return true;
	return false;
}

static uint64_t changed_nests(struct desk *s)
{
	uint64_t changed = 0;

	for (size_t i = 0; i < s->config.settings->nest_count; i++) {
		uint64_t version = box_version(nest_box(s->config.nests[i]));

		if (version != s->told[i])
			changed |= UINT64_C(1) << i;
		s->told[i] = version;
	}
	return changed;
}

static bool station_changed(struct desk *s)
{
	struct control_station now;
	bool changed;

	answer_station(s, &now);
	now.cycle_ms = 0; /* the watchers have a clock of their own */
	changed = memcmp(&now, &s->told_station, sizeof(now)) != 0;
	s->told_station = now;
	return changed;
}

static void tell_watchers(struct desk *s)
{
	int64_t now = clock_monotonic_ms();
	uint64_t changed;

	if (!is_watched(s) || now - s->told_at < TICK_MS)
		return;
	s->told_at = now;
	changed = changed_nests(s);
	if (now - s->overview.asked_at > OVERVIEW_EVERY_MS)
		overview_ask(&s->overview);
	if (!station_changed(s) && !changed)
		return;
	for (size_t i = 0; i < DESK_CALLERS_MAX; i++)
		if (s->callers[i].watches)
			answer_nests(s, &s->callers[i], 0, changed, false);
}

/* --- the loop --- */

static bool is_deaf(const struct desk *s)
{
	return clock_monotonic_ms() < s->deaf_ms;
}

static int timeout_ms(const struct desk *s, int64_t watchdog_ms)
{
	int64_t timeout = IDLE_MS;

	if (is_watched(s) || s->overview.is_asking)
		timeout = TICK_MS;
	for (size_t i = 0; i < DESK_CALLERS_MAX; i++)
		if (s->callers[i].waits != WAITS_FOR_NOTHING)
			timeout = TICK_MS;
	if (watchdog_ms > 0 && watchdog_ms / 2 < timeout)
		timeout = watchdog_ms / 2;
	return (int)timeout;
}

static void turn(struct desk *s, const struct pollfd *fds)
{
	eventfd_t count;

	if (fds[POLL_BELL].revents)
		eventfd_read(s->config.bell_fd, &count);
	overview_turn(&s->overview);
	shift_turn(&s->shift);
	answer_button(s);
	for (size_t i = 0; i < DESK_CALLERS_MAX; i++) {
		struct caller *caller = &s->callers[i];

		if (caller->fd >= 0 && fds[POLL_CALLERS + i].fd == caller->fd &&
		    fds[POLL_CALLERS + i].revents)
			hear_caller(s, caller);
		if (caller->fd >= 0 && caller->waits != WAITS_FOR_NOTHING)
			answer_turn(s, caller);
	}
	if (fds[POLL_LISTEN].revents)
		take_caller(s);
	tell_watchers(s);
}

bool desk_run(struct desk *s, struct err *e)
{
	int64_t watchdog_ms = notify_watchdog_ms(), alive_at = 0;
	struct pollfd fds[POLL_CALLERS + DESK_CALLERS_MAX];

	for (;;) {
		fds[POLL_SIGNAL] = (struct pollfd) { s->config.signal_fd, POLLIN, 0 };
		fds[POLL_LISTEN] =
			(struct pollfd) { is_deaf(s) ? -1 : s->config.listen_fd, POLLIN, 0 };
		fds[POLL_BELL] = (struct pollfd) { s->config.bell_fd, POLLIN, 0 };
		fds[POLL_SIGNER] = (struct pollfd) { overview_fd(&s->overview), POLLIN, 0 };
		for (size_t i = 0; i < DESK_CALLERS_MAX; i++)
			fds[POLL_CALLERS + i] = (struct pollfd) { s->callers[i].fd, POLLIN, 0 };
		if (poll(fds, POLL_CALLERS + DESK_CALLERS_MAX, timeout_ms(s, watchdog_ms)) < 0 &&
		    errno != EINTR)
			return err_errno(e, ERR_SYSTEM, "the control socket cannot be watched");
		if (fds[POLL_SIGNAL].revents)
			return true;
		turn(s, fds);
		if (watchdog_ms > 0 && clock_monotonic_ms() - alive_at >= watchdog_ms / 3) {
			alive_at = clock_monotonic_ms();
			notify_send("WATCHDOG=1");
		}
	}
}
