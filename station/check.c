#include "station/check.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/message.h"
#include "base/mode.h"
#include "base/owner.h"
#include "hsm/api/request.h"
#include "serial/board.h"
#include "station/check_port.h"
#include "station/control/client.h"
#include "station/product.h"
#include "station/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/statvfs.h>

#define PATIENCE_MS 5000
#define DISK_WARN_MB 1024
#define DISK_LEAST_MB 16 /* for runs and counters */
#define MEGABYTE (1024 * 1024)

static bool check_settings(struct station_settings *settings, struct check *c)
{
	char path[PATH_MAX];
	struct err e;

	if (!place_path(PLACE_ETC, "station.yaml", path, &e) ||
	    !station_settings_load(path, settings, &e)) {
		check_say(c, CHECK_FAIL, "settings", "%s%s", e.text,
			  e.code == ERR_NOT_FOUND
				  ? ": write it, station.yaml among the examples of "
				    "imprint-doc shows how"
				  : "");
		return false;
	}
	check_say(c, CHECK_OK, "settings", "%s: station %s, %zu nests", path, settings->station,
		  settings->nest_count);
	return true;
}

static void check_modes(bool is_other, struct check *c)
{
	struct err e;
	bool settings = check_that(c, "files", mode_settings("station.yaml", &e), &e);
	bool kept = check_that(c, "files", mode_kept(PLACE_LIB_STATION, &e), &e);
	bool usable = is_other ||
		      check_that(c, "files", mode_usable(PLACE_LIB_STATION, OWNER_STATION, &e), &e);

	if (settings && kept && usable)
		check_say(c, CHECK_OK, "files",
			  "nobody else may change settings and products, or reach the station's "
			  "folder");
}

struct product_count {
	struct check *check;
	unsigned good, bad;
};

static bool check_one_product(void *context, const char *path, struct err *e)
{
	struct product_count *count = context;
	struct station_product product;

	if (station_product_load(path, "", &product, e)) {
		count->good++;
		return true;
	}
	count->bad++;
	check_say(count->check, CHECK_FAIL, "product", "%s", e->text);
	return true;
}

static void check_products(struct check *c)
{
	struct product_count count = { c, 0, 0 };
	struct err e;

	if (!place_products(check_one_product, &count, &e))
		check_say(c, CHECK_FAIL, "product", "%s", e.text);
	else if (count.good)
		check_say(c, CHECK_OK, "product", "%u can be brought into boards", count.good);
}

static void check_folder(enum place place, const char *what, struct check *c)
{
	char path[PATH_MAX];
	struct err e;

	if (!place_path(place, NULL, path, &e))
		check_say(c, CHECK_FAIL, "folders", "%s", e.text);
	else if (faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS) < 0 && errno != ENOENT)
		check_say(c, CHECK_FAIL, "folders",
			  "the station's %s folder %s cannot be written: give it to the station's "
			  "user (chown " OWNER_STATION " %s)",
			  what, path, path);
}

static void check_disk(struct check *c)
{
	struct statvfs disk;
	char path[PATH_MAX];
	uint64_t free_mb;
	struct err e;

	if (!place_path(PLACE_LIB_STATION, NULL, path, &e) || statvfs(path, &disk) < 0)
		return;
	free_mb = (uint64_t)disk.f_bavail * disk.f_frsize / MEGABYTE;
	check_say(c,
		  free_mb < DISK_LEAST_MB  ? CHECK_FAIL
		  : free_mb < DISK_WARN_MB ? CHECK_WARN
					   : CHECK_OK,
		  "disk", "%" PRIu64 " MB free for the station's runs%s", free_mb,
		  free_mb < DISK_WARN_MB ? "; make room" : "");
}

static bool ask_status(struct reply *ret_reply, struct err *e)
{
	static uint8_t record[MESSAGE_MAX];
	struct request request = { .type = REQUEST_STATUS };
	AUTO(fd) fd = -1;

	return signer_connect(&fd, e) &&
	       signer_call(fd, &request, -1, record, ret_reply, clock_deadline(PATIENCE_MS), -1, e);
}

static void check_signer(struct check *c)
{
	struct reply reply;
	struct err e;

	if (!ask_status(&reply, &e))
		check_say(c, CHECK_FAIL, "signer", "%s", e.text);
	else if (*reply.status.trouble)
		check_say(c, CHECK_WARN, "signer", "%s", reply.status.trouble);
	else if (!*reply.status.order)
		check_say(c, CHECK_WARN, "order",
			  "none is in use; a supervisor says: imprint order open ID --product NAME "
			  "--quantity N, or imprint order use ID");
	else
		check_say(c, CHECK_OK, "order", "%s is in use", reply.status.order);
}

/* The station that runs knows its jig; one that does not run, or does not let its own user ask, is
 * no fault. */
static void check_jig(struct check *c)
{
	static uint8_t record[MESSAGE_MAX];
	struct control_request request = { .type = CONTROL_STATUS };
	struct control_reply reply;
	AUTO(fd) fd = -1;
	struct err e;

	if (!control_connect(&fd, &e) ||
	    !control_call(fd, &request, record, &reply, NULL, clock_deadline(PATIENCE_MS), &e))
		return;
	if (*reply.station.stop_text)
		check_say(c, CHECK_WARN, "jig", "stopped: %s", reply.station.stop_text);
	else if (reply.station.jig_health == HEALTH_OK)
		check_say(c, CHECK_OK, "jig", "answers");
}

/* What the station's user may do only it can try, or root for it. */
static void check_rights(const struct station_settings *settings, bool is_other, struct check *c)
{
	if (is_other) {
		check_say(c, CHECK_WARN, "folders",
			  "not looked at, nor whether the lines may be opened: ask again as root");
		return;
	}
	check_port_rights(settings, c);
	check_folder(PLACE_RUN_STATION, "run", c);
	check_folder(PLACE_LIB_STATION, "lib", c);
	check_signer(c);
	check_jig(c);
}

static void check_all(const struct station_settings *settings, bool is_other, struct check *c)
{
	check_modes(is_other, c);
	check_products(c);
	check_ports(settings, c);
	check_names(settings, c);
	check_rights(settings, is_other, c);
	check_disk(c);
}

int check_station(void)
{
	AUTO_FREE struct station_settings *settings = calloc(1, sizeof(*settings));
	struct check c = { 0 };
	struct owner owner;
	struct err e;

	if (!settings)
		check_say(&c, CHECK_FAIL, "settings", "no memory for the settings");
	else if (!owner_find(OWNER_STATION, &owner, &e) || !owner_become(&owner, &e))
		check_say(&c, CHECK_FAIL, "users", "%s", e.text);
	else if (check_settings(settings, &c))
		check_all(settings, owner.is_other, &c);
	return check_exit(&c);
}

static void print_mistake(void *context, const struct err *mistake)
{
	(void)context;
	fprintf(stderr, "%s\n", mistake->text);
}

bool check_product(const char *path)
{
	struct station_product product;
	struct err e;

	if (!station_product_load_reported(path, "", print_mistake, NULL, &product, &e))
		return false;
	printf("ok    board: driver %s, %zu files\n", product.driver, product.file_count);
	return true;
}
