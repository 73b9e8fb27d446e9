/* desk: the control socket: who may ask what, odd callers, watchers. */
#include "station/answer.h"

#include "base/clock.h"
#include "base/place.h"
#include "base/socket.h"
#include "station/control/client.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <cmocka.h>

#define NESTS 3
#define PATIENCE_MS 60000

static struct {
	char folder[64];
	struct station_settings settings;
	struct nest_shared shared;
	struct nest *nests[STATION_NESTS_MAX];
	struct desk *desk;
	int dir_fd, listen_fd, bell_fd, end_fd;
	pthread_t thread;
} rig;

static uint8_t record[MESSAGE_MAX];

static void *serve(void *unused)
{
	struct err e;

	(void)unused;
	return desk_run(rig.desk, &e) ? NULL : "failed";
}

static bool open_folder(struct err *e)
{
	strcpy(rig.folder, "/tmp/imprint-test-XXXXXX");
	return mkdtemp(rig.folder) && setenv("IMPRINT_DIR", rig.folder, 1) == 0 &&
	       place_open(PLACE_RUN_STATION, true, &rig.dir_fd, e) &&
	       socket_listen(rig.dir_fd, STATION_SOCKET, 0600, &rig.listen_fd, e);
}

static bool open_nests(struct err *e)
{
	rig.shared = (struct nest_shared) { .settings = &rig.settings, .bell_fd = rig.bell_fd };
	if (!runs_open(rig.dir_fd, &rig.shared.runs, e) ||
	    !people_open(rig.dir_fd, &rig.shared.people, e) || !alarms_new(&rig.shared.alarms, e) ||
	    !catalogue_new(&rig.shared.catalogue, e))
		return false;
	rig.settings.nest_count = NESTS;
	for (size_t i = 0; i < NESTS; i++) {
		snprintf(rig.settings.nests[i].name, sizeof(rig.settings.nests[i].name), "A%zu",
			 i + 1);
		snprintf(rig.settings.nests[i].port, sizeof(rig.settings.nests[i].port),
			 "pty:%s/none-%zu", rig.folder, i);
		if (!nest_open(&rig.shared, i, &rig.nests[i], e))
			return false;
	}
	return true;
}

/* A station without boards and without a signer, whose only peer is this user, with that role. */
static void bring_up(unsigned role)
{
	struct err e;

	memset(&rig, 0, sizeof(rig));
	strcpy(rig.settings.station, "SZ1");
	rig.settings.peers[0] = (struct station_peer) { { false, role ? getuid() : getuid() + 1 },
							role ? role : STATION_OPERATOR };
	rig.settings.peer_count = 1;
	rig.bell_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rig.end_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_true(open_folder(&e));
	assert_true(open_nests(&e));
	assert_true(desk_new(&(struct desk_config) { .settings = &rig.settings,
						     .runs = rig.shared.runs,
						     .people = rig.shared.people,
						     .alarms = rig.shared.alarms,
						     .catalogue = rig.shared.catalogue,
						     .lib_fd = rig.dir_fd,
						     .nests = rig.nests,
						     .listen_fd = rig.listen_fd,
						     .bell_fd = rig.bell_fd,
						     .signal_fd = rig.end_fd },
			     &rig.desk, &e));
	assert_int_equal(pthread_create(&rig.thread, NULL, serve, NULL), 0);
}

static void take_down(void)
{
	char command[128];

	eventfd_write(rig.end_fd, 1);
	pthread_join(rig.thread, NULL);
	desk_free(rig.desk);
	for (size_t i = 0; i < NESTS; i++) {
		nest_quit(rig.nests[i]);
		assert_true(nest_close(rig.nests[i], clock_deadline(PATIENCE_MS)));
	}
	runs_close(rig.shared.runs);
	people_close(rig.shared.people);
	alarms_free(rig.shared.alarms);
	catalogue_free(rig.shared.catalogue);
	close(rig.dir_fd);
	close(rig.listen_fd);
	close(rig.bell_fd);
	close(rig.end_fd);
	snprintf(command, sizeof(command), "rm -rf '%s'", rig.folder);
	assert_int_equal(system(command), 0);
}

static int caller(void)
{
	struct err e;
	int fd;

	assert_true(control_connect(&fd, &e));
	return fd;
}

/* The error code of the answer, or 0. */
static int ask(int fd, struct control_request request, struct control_reply *ret_reply,
	       int *ret_passed)
{
	struct err e;

	return control_call(fd, &request, record, ret_reply, ret_passed,
			    clock_deadline(PATIENCE_MS), &e)
		       ? 0
		       : e.code;
}

static void the_permission_table_is_walked(void **state)
{
	enum { R = STATION_READER, O = STATION_OPERATOR, T = STATION_TECHNICIAN };
	static const unsigned expected[CONTROL_TYPE_COUNT] = {
		[CONTROL_STATUS] = R | O | T,  [CONTROL_WATCH] = R | O | T,
		[CONTROL_START] = O | T,       [CONTROL_ABORT] = O | T,
		[CONTROL_RUNS] = R | O | T,    [CONTROL_SCAN] = O | T,
		[CONTROL_LOGOUT] = O | T,      [CONTROL_MODE] = O | T,
		[CONTROL_FREE] = O | T,	       [CONTROL_ALARMS] = R | O | T,
		[CONTROL_ACKNOWLEDGE] = O | T, [CONTROL_BADGES] = T,
		[CONTROL_BADGE] = T,	       [CONTROL_RESET] = O | T,
		[CONTROL_SIGNALS] = R | O | T, [CONTROL_SET] = T,
	};
	static const unsigned roles[] = { 0, R, O, T };

	(void)state;
	assert_int_equal(desk_roles(0), 0);
	assert_int_equal(desk_roles(CONTROL_TYPE_COUNT), 0);
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		bring_up(roles[i]);
		for (enum control_type type = 1; type < CONTROL_TYPE_COUNT; type++) {
			struct control_reply reply;
			int fd = caller();
			int code = ask(fd, (struct control_request) { .type = type }, &reply, NULL);
			bool refused = code == ERR_REFUSED;

			assert_int_equal(desk_roles(type), expected[type]);
			if (refused == ((roles[i] & expected[type]) != 0))
				fail_msg("%s by role %u: code %d", control_name(type), roles[i],
					 code);
			close(fd);
		}
		take_down();
	}
}

static void answers(void **state)
{
	struct control_reply reply;
	struct control_nest nest;
	struct reader r;
	int fd, passed = -1;

	(void)state;
	bring_up(STATION_OPERATOR);
	fd = caller();
	assert_int_equal(ask(fd, (struct control_request) { .type = CONTROL_STATUS }, &reply, NULL),
			 0);
	assert_string_equal(reply.station.station, "SZ1");
	assert_string_not_equal(reply.station.trouble, ""); /* no signer */
	r = (struct reader) { .data = reply.rows.data, .len = reply.rows.len };
	for (uint64_t i = 0; i < NESTS; i++) {
		assert_true(control_nest_read(&r, &nest));
		assert_int_equal(nest.index, i);
	}
	assert_true(reader_end(&r));
	/* Without a signer nothing starts, though somebody was there; a nest that is none is named.
	 */
	assert_int_equal(rig.desk->shift.active_at, 0);
	assert_int_equal(ask(fd, (struct control_request) { .type = CONTROL_START }, &reply, NULL),
			 ERR_GONE);
	assert_true(rig.desk->shift.active_at > 0);
	assert_int_equal(ask(fd,
			     (struct control_request) { .type = CONTROL_START, .nests = "A1 Q9" },
			     &reply, NULL),
			 ERR_NOT_FOUND);
	assert_int_equal(ask(fd, (struct control_request) { .type = CONTROL_START, .unit = "T-1" },
			     &reply, NULL),
			 ERR_INVALID);
	assert_int_equal(ask(fd, (struct control_request) { .type = CONTROL_ABORT }, &reply, NULL),
			 0);
	assert_int_equal(
		ask(fd, (struct control_request) { .type = CONTROL_RUNS }, &reply, &passed), 0);
	assert_true(passed >= 0);
	assert_int_equal(fcntl(passed, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(passed);
	assert_int_equal(ask(fd, (struct control_request) { .type = CONTROL_RUNS, .after = 5 },
			     &reply, &passed),
			 ERR_NOT_FOUND);
	close(fd);
	take_down();
}

static void nonsense_is_refused_and_hung_up_on(void **state)
{
	static const uint8_t nonsense[] = { 1, 99, 1, 2, 3 };
	struct control_reply reply;
	struct err e;
	size_t len;
	int fd;

	(void)state;
	bring_up(STATION_OPERATOR);
	fd = caller();
	assert_true(socket_send(fd, BYTES(nonsense), -1, clock_deadline(PATIENCE_MS), -1, &e));
	assert_true(socket_receive(fd, record, &len, NULL, clock_deadline(PATIENCE_MS), -1, &e));
	assert_true(control_reply_decode(bytes_of(record, len), &reply));
	assert_int_equal(reply.type, CONTROL_REFUSED);
	assert_false(socket_receive(fd, record, &len, NULL, clock_deadline(PATIENCE_MS), -1, &e));
	assert_int_equal(e.code, ERR_GONE);
	close(fd);
	take_down();
}

static void a_watcher_is_told(void **state)
{
	struct control_nest nest = { 0 };
	struct control_reply reply;
	struct reader r;
	struct err e;
	int fd;

	(void)state;
	bring_up(STATION_READER);
	fd = caller();
	assert_int_equal(ask(fd, (struct control_request) { .type = CONTROL_WATCH }, &reply, NULL),
			 0);
	box_unit(nest_box(rig.nests[1]), "T-0001");
	while (strcmp(nest.unit, "T-0001") != 0) {
		assert_true(control_next(fd, record, &reply, clock_deadline(PATIENCE_MS), &e));
		r = (struct reader) { .data = reply.rows.data, .len = reply.rows.len };
		while (control_nest_read(&r, &nest) && strcmp(nest.unit, "T-0001") != 0)
			;
	}
	assert_int_equal(nest.index, 1);
	close(fd);
	take_down();
}

static void who_does_not_read_is_hung_up_on(void **state)
{
	int64_t deadline = clock_deadline(30000);
	struct control_reply reply;
	bool gone = false;
	struct err e;
	int slow, other;

	(void)state;
	bring_up(STATION_READER);
	slow = caller();
	other = caller();
	assert_int_equal(
		ask(slow, (struct control_request) { .type = CONTROL_WATCH }, &reply, NULL), 0);
	/* The desk goes on answering others, also when the slow one's buffer is full. */
	for (unsigned i = 0; !gone && clock_monotonic_ms() < deadline; i++) {
		static uint8_t mine[MESSAGE_MAX];
		struct control_request request = { .type = CONTROL_STATUS, .after = 1 };
		size_t len;

		assert_true(control_request_encode(&request, mine, &len));
		gone = !socket_send(slow, bytes_of(mine, len), -1, clock_deadline(10), -1, &e) &&
		       e.code == ERR_GONE;
		assert_int_equal(
			ask(other, (struct control_request) { .type = CONTROL_STATUS, .after = 1 },
			    &reply, NULL),
			0);
	}
	assert_true(gone);
	close(slow);
	close(other);
	take_down();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_permission_table_is_walked),
		cmocka_unit_test(answers),
		cmocka_unit_test(nonsense_is_refused_and_hung_up_on),
		cmocka_unit_test(a_watcher_is_told),
		cmocka_unit_test(who_does_not_read_is_hung_up_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
