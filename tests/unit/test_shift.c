/* shift: what the station says is next, its health and alarms, and when people are logged out. */
#include "station/shift.h"

#include "base/clock.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct {
	char folder[64];
	int dir_fd;
	struct station_settings settings;
	struct desk_config config;
	struct overview overview;
	struct shift shift;
} rig;

static int bring_up(void **state)
{
	struct err e;

	(void)state;
	memset(&rig, 0, sizeof(rig));
	strcpy(rig.folder, "/tmp/imprint-test-XXXXXX");
	if (!mkdtemp(rig.folder))
		return -1;
	rig.dir_fd = open(rig.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rig.settings.work = (struct station_work) { .shift_count = 1, .login_idle_min = 30 };
	rig.config = (struct desk_config) { .settings = &rig.settings, .lib_fd = rig.dir_fd };
	rig.shift = (struct shift) { .config = &rig.config, .overview = &rig.overview };
	/* The signer answered, and is not asked again. */
	rig.overview = (struct overview) { .fd = -1,
					   .asked_at = clock_monotonic_ms() + 3600000,
					   .answered_at = 1 };
	rig.overview.status = (struct signer_status) { .order = "WO",
						       .product = "",
						       .ca_subject = "CN=CA",
						       .quantity = 100,
						       .token_ok = 1,
						       .disk_free_mb = 9999,
						       .ca_ends = clock_wall_s() + 365 * 86400 };
	return !runs_open(rig.dir_fd, &rig.config.runs, &e) ||
	       !people_open(rig.dir_fd, &rig.config.people, &e) ||
	       !alarms_new(&rig.config.alarms, &e) || !catalogue_new(&rig.config.catalogue, &e);
}

static int take_down(void **state)
{
	(void)state;
	runs_close(rig.config.runs);
	people_close(rig.config.people);
	alarms_free(rig.config.alarms);
	catalogue_free(rig.config.catalogue);
	unlinkat(rig.dir_fd, "runs.jsonl", 0);
	unlinkat(rig.dir_fd, "badges.jsonl", 0);
	close(rig.dir_fd);
	return rmdir(rig.folder);
}

static void look(void)
{
	rig.shift.looked_at = 0;
	shift_turn(&rig.shift);
}

static struct control_station shown(void)
{
	struct control_station station = { 0 };

	look();
	shift_show(&rig.shift, &station);
	return station;
}

static bool stands(enum alarm alarm)
{
	struct control_alarm a;

	for (uint64_t after = 0; alarms_next(rig.config.alarms, after, &a); after = a.number)
		if (strcmp(a.code, alarms_code(alarm)) == 0)
			return a.active;
	return false;
}

static void log_in(void)
{
	struct control_badge badge;
	struct err e;

	if (!people_find(rig.config.people, "OPR-0001", &badge, &e))
		assert_true(people_enrol(rig.config.people, "OPR-0001", "Wang", BADGE_OPERATOR,
					 "uid 1", &e));
	assert_true(people_login(rig.config.people, "OPR-0001", &badge, &e));
	shift_active(&rig.shift);
}

static void people_are_logged_out(void **state)
{
	(void)state;
	look();
	log_in();
	assert_string_equal(shown().person, "Wang");
	rig.shift.active_at -= 29 * 60000;
	assert_string_equal(shown().person, "Wang");
	rig.shift.active_at -= 60000;
	assert_string_equal(shown().person, "");
	log_in();
	assert_string_equal(shown().person, "Wang");
	rig.shift.began--; /* as if the shift that he logged in to was another one */
	assert_string_equal(shown().person, "");
}

static void what_is_next(void **state)
{
	struct signer_status *status = &rig.overview.status;

	(void)state;
	assert_int_equal(shown().next, NEXT_LOAD); /* a bench, and nothing in it */
	rig.settings.work.golden_every_hours = 1;
	assert_int_equal(shown().next, NEXT_GOLDEN);
	rig.settings.work.login_needed = true;
	assert_int_equal(shown().next, NEXT_LOGIN);
	status->used = status->quantity;
	assert_int_equal(shown().next, NEXT_ORDER);
	strcpy(status->trouble, "the token does not answer");
	assert_int_equal(shown().next, NEXT_SIGNER);
	status->used = 0;
	status->trouble[0] = '\0';
	log_in();
	assert_int_equal(shown().next, NEXT_GOLDEN);
}

static void golden_is_due_again(void **state)
{
	struct run run = { .outcome = OUTCOME_PASS,
			   .mode = MODE_GOLDEN,
			   .ended_at = clock_wall_s() - 3500,
			   .step = "",
			   .code = "",
			   .evidence = "" };
	struct err e;

	(void)state;
	rig.settings.work.golden_every_hours = 1;
	look();
	assert_true(stands(ALARM_GOLDEN_DUE));
	strcpy(run.nest, "A1");
	strcpy(run.unit, "G-1");
	assert_true(runs_add(rig.config.runs, &run, &e));
	look();
	assert_false(stands(ALARM_GOLDEN_DUE));
	run.ended_at = clock_wall_s() - 3700;
	assert_true(runs_add(rig.config.runs, &run, &e));
	look();
	assert_true(stands(ALARM_GOLDEN_DUE));
	run.ended_at = clock_wall_s() + 365 * 86400; /* the clock was wrong */
	assert_true(runs_add(rig.config.runs, &run, &e));
	look();
	assert_true(stands(ALARM_GOLDEN_DUE));
	run.ended_at = clock_wall_s() + 60; /* it was set a little */
	assert_true(runs_add(rig.config.runs, &run, &e));
	look();
	assert_false(stands(ALARM_GOLDEN_DUE));
}

/* One change of the signer's status after the other, each from a healthy one. */
static void alarms_and_health(void **state)
{
	static const struct {
		const char *name;
		enum alarm alarm;
		uint64_t quantity, used, disk_mb, token, signing_s, days;
		const char *trouble, *away;
		enum control_health token_health, ledger_health, disk_health;
	} rows[] = {
		{ "well", ALARM_COUNT, 100, 94, 9999, 1, 0, 181, "", "", HEALTH_OK, HEALTH_OK, 0 },
		{ "nearly used", ALARM_ORDER_LOW, 100, 95, 9999, 1, 0, 181, "", "", HEALTH_OK,
		  HEALTH_OK, 0 },
		{ "used", ALARM_ORDER_USED, 100, 100, 9999, 1, 0, 181, "", "", HEALTH_OK, HEALTH_OK,
		  0 },
		{ "a small order is not low at its start", ALARM_COUNT, 1, 0, 9999, 1, 0, 181, "",
		  "", HEALTH_OK, HEALTH_OK, 0 },
		{ "away", ALARM_SIGNER, 100, 0, 9999, 1, 0, 181, "", "gone", HEALTH_BAD, HEALTH_BAD,
		  0 },
		{ "little room", ALARM_SIGNER_DISK, 100, 0, 511, 1, 0, 181, "", "", HEALTH_OK,
		  HEALTH_OK, HEALTH_WARN },
		{ "no room", ALARM_SIGNER_DISK, 100, 0, 63, 1, 0, 181, "", "", HEALTH_OK, HEALTH_OK,
		  HEALTH_BAD },
		{ "token", ALARM_TOKEN, 100, 0, 9999, 0, 0, 181, "", "", HEALTH_BAD, HEALTH_OK, 0 },
		{ "busy token", ALARM_COUNT, 100, 0, 9999, 1, 2, 181, "", "", HEALTH_OK, HEALTH_OK,
		  0 },
		{ "slow token", ALARM_TOKEN, 100, 0, 9999, 1, 3, 181, "", "", HEALTH_WARN,
		  HEALTH_OK, 0 },
		{ "trouble", ALARM_SIGNING, 100, 0, 9999, 1, 0, 181, "the clock", "", HEALTH_OK,
		  HEALTH_WARN, 0 },
		{ "CA", ALARM_CA_ENDS, 100, 0, 9999, 1, 0, 179, "", "", HEALTH_OK, HEALTH_OK, 0 },
	};
	static const enum alarm of_signer[] = { ALARM_ORDER_LOW,   ALARM_ORDER_USED,
						ALARM_SIGNER_DISK, ALARM_TOKEN,
						ALARM_SIGNING,	   ALARM_CA_ENDS,
						ALARM_SIGNER };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct signer_status *status = &rig.overview.status;
		struct control_station station;

		status->quantity = rows[i].quantity;
		status->used = rows[i].used;
		status->disk_free_mb = rows[i].disk_mb;
		status->token_ok = rows[i].token;
		status->signing_s = rows[i].signing_s;
		status->ca_ends = clock_wall_s() + (int64_t)rows[i].days * 86400 - 60;
		strcpy(status->trouble, rows[i].trouble);
		strcpy(rig.overview.trouble, rows[i].away);
		station = shown();
		for (size_t a = 0; a < sizeof(of_signer) / sizeof(of_signer[0]); a++)
			if (stands(of_signer[a]) != (of_signer[a] == rows[i].alarm))
				fail_msg("%s: %s", rows[i].name, alarms_code(of_signer[a]));
		assert_int_equal(station.token_health, rows[i].token_health);
		assert_int_equal(station.ledger_health, rows[i].ledger_health);
		assert_int_equal(station.disk_health,
				 rows[i].disk_health ? rows[i].disk_health : rig.shift.disk);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(people_are_logged_out, bring_up, take_down),
		cmocka_unit_test_setup_teardown(what_is_next, bring_up, take_down),
		cmocka_unit_test_setup_teardown(golden_is_due_again, bring_up, take_down),
		cmocka_unit_test_setup_teardown(alarms_and_health, bring_up, take_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
